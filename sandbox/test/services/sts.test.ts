import { EKS } from '@aws-sdk/client-eks';
import { STS } from '@aws-sdk/client-sts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eksService } from '../../services/eks.ts';
import { stsService } from '../../services/sts.ts';
import { TestRegion } from './region.ts';

let world: TestRegion;
let connection: Awaited<ReturnType<TestRegion['listen']>>;
beforeEach(async () => {
  world = new TestRegion();
  world.dispatcher.register('sts', stsService({ account: '111122223333', credentials: world.credentials }));
  world.dispatcher.register('eks', eksService(world.region));
  connection = await world.listen();
});
afterEach(() => world.close());

test('an unknown access key is the person', async () => {
  const identity = await new STS(connection).getCallerIdentity({});
  expect(identity).toMatchObject({ Account: '111122223333', Arn: 'arn:aws:iam::111122223333:user/person' });
});

test('an assumed role’s calls are logged under role and session', async () => {
  const { Credentials, AssumedRoleUser } = await new STS(connection).assumeRole({
    RoleArn: 'arn:aws:iam::111122223333:role/path/nightshift-kubernetes',
    RoleSessionName: 'execution-1',
    DurationSeconds: 900,
  });
  const arn = 'arn:aws:sts::111122223333:assumed-role/nightshift-kubernetes/execution-1';
  expect(AssumedRoleUser?.Arn).toBe(arn);
  const credentials = {
    accessKeyId: Credentials?.AccessKeyId ?? '',
    secretAccessKey: Credentials?.SecretAccessKey ?? '',
  };
  expect((await new STS({ ...connection, credentials }).getCallerIdentity({})).Arn).toBe(arn);
  await new EKS({ ...connection, credentials }).listClusters({});
  expect(world.calls.map(({ operation, principal }) => `${operation} by ${principal}`)).toEqual([
    'AssumeRole by person',
    'GetCallerIdentity by nightshift-kubernetes/execution-1',
    'ListClusters by nightshift-kubernetes/execution-1',
  ]);
});

test('an invalid role ARN is refused', async () => {
  await expect(
    new STS(connection).assumeRole({ RoleArn: 'arn:aws:iam::1:user/x-with-20-characters', RoleSessionName: 's1' }),
  ).rejects.toMatchObject({
    name: 'ValidationError',
  });
});
