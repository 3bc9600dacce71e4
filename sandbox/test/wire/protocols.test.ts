import { EC2 } from '@aws-sdk/client-ec2';
import { EKS } from '@aws-sdk/client-eks';
import { S3 } from '@aws-sdk/client-s3';
import { SFN } from '@aws-sdk/client-sfn';
import { SSM } from '@aws-sdk/client-ssm';
import { STS } from '@aws-sdk/client-sts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ec2Service } from '../../services/ec2.ts';
import { eksService } from '../../services/eks.ts';
import { ssmService } from '../../services/ssm.ts';
import { stsService } from '../../services/sts.ts';
import { ServiceError } from '../../wire/error.ts';
import { makeCluster, TestRegion } from '../services/region.ts';

let world: TestRegion;
let connection: Awaited<ReturnType<TestRegion['listen']>>;
beforeEach(async () => {
  world = new TestRegion([makeCluster('demo')]);
  world.dispatcher.register('eks', eksService(world.region));
  connection = await world.listen();
});
afterEach(() => world.close());

/** A request that no SDK would send. */
async function send(
  service: string,
  path: string,
  init: { method?: string; headers?: Record<string, string>; body?: string } = {},
) {
  const authorization = `AWS4-HMAC-SHA256 Credential=AKIAX/20261121/us-east-1/${service}/aws4_request, SignedHeaders=host, Signature=0`;
  const response = await fetch(`${connection.endpoint}${path}`, {
    ...init,
    headers: { authorization, ...init.headers },
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}
function registerOthers(): void {
  const { region, dispatcher, credentials } = world;
  dispatcher.register('ssm', ssmService(region));
  dispatcher.register('ec2', ec2Service(region));
  dispatcher.register('sts', stsService({ account: region.account, credentials }));
}
const target = (name: string) => ({ 'x-amz-target': name, 'content-type': 'application/x-amz-json-1.1' });

test('a request without a credential scope is refused, and so is an unknown service', async () => {
  const unsigned = await fetch(`${connection.endpoint}/clusters`);
  expect(unsigned.status).toBe(403);
  expect(unsigned.headers.get('x-amzn-errortype')).toBe('MissingAuthenticationToken');
  const unknown = await send('dynamodb', '/');
  expect([unknown.status, unknown.text]).toEqual([
    501,
    '{"message":"the sandbox does not implement the service dynamodb"}',
  ]);
});

test('every reply carries a request id', async () => {
  const { $metadata } = await new EKS(connection).listClusters({});
  expect($metadata.requestId).toMatch(/^[0-9a-f-]{36}$/);
  const refused = await new STS(connection).getCallerIdentity({}).catch((error: unknown) => error);
  expect(refused).toMatchObject({
    name: 'NotImplemented',
    $metadata: { requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) },
  });
});

test('members that the model does not know are refused, wherever they come', async () => {
  registerOthers();
  const path = '/clusters/demo/addons/kube-proxy/update';
  const body = await send('eks', path, { method: 'POST', body: '{"resolveConflict":"OVERWRITE"}' });
  expect([body.status, body.headers.get('x-amzn-errortype'), body.text]).toEqual([
    400,
    'InvalidParameterException',
    '{"message":"resolveConflict: must be a member of this shape"}',
  ]);
  const label = await send('eks', path, { method: 'POST', body: '{"clusterName":"demo"}' });
  expect(label.text).toContain('body.clusterName: must be a member');
  const query = await send('eks', '/clusters?limit=1');
  expect(query.text).toContain('query.limit: must be a member');
  const json = await send('ssm', '/', {
    method: 'POST',
    headers: target('AmazonSSM.SendCommand'),
    body: '{"DocumentName":"d","Instance":[]}',
  });
  expect(JSON.parse(json.text)).toEqual({
    __type: 'ValidationException',
    message:
      "1 validation error detected: Value at 'Instance' failed to satisfy constraint: Member must be a member of this shape",
  });
  const form = await send('ec2', '/', {
    method: 'POST',
    body: 'Action=DescribeInstances&Version=2016-11-15&Colour=red',
  });
  expect(form.text).toContain('<Code>UnknownParameter</Code><Message>The parameter Colour is not recognized</Message>');
});

test('required members that are missing and members of the wrong type are refused', async () => {
  registerOthers();
  const missing = await send('ssm', '/', { method: 'POST', headers: target('AmazonSSM.SendCommand'), body: '{}' });
  expect(missing.text).toContain("Value at 'DocumentName' failed to satisfy constraint: Member must not be null");
  const typed = await send('ssm', '/', {
    method: 'POST',
    headers: target('AmazonSSM.SendCommand'),
    body: '{"DocumentName":"d","InstanceIds":"i-1"}',
  });
  expect(typed.text).toContain(
    "Value at 'InstanceIds' failed to satisfy constraint: Member must be a list, not string",
  );
  const form = await send('sts', '/', { method: 'POST', body: 'Action=AssumeRole&Version=2011-06-15&RoleArn=r' });
  expect(form.text).toContain('<Code>ValidationError</Code>');
  expect(form.text).toContain("'RoleSessionName'");
});

test('a body that is not JSON and an operation that does not exist are refused by name', async () => {
  const broken = await send('eks', '/clusters/demo/addons', { method: 'POST', body: '{' });
  expect(broken.headers.get('x-amzn-errortype')).toBe('SerializationException');
  const unknown = await send('ssm', '/', { method: 'POST', headers: target('AmazonSSM.SendComand'), body: '{}' });
  expect(JSON.parse(unknown.text)).toMatchObject({ __type: 'UnknownOperationException' });
  const path = await send('eks', '/klusters');
  expect([path.status, path.headers.get('x-amzn-errortype')]).toEqual([404, 'UnknownOperationException']);
});

test('a reply that breaks the schema is a loud bug, not a reply', async () => {
  world.dispatcher.register('eks', { ListClusters: () => Promise.resolve({ clusters: ['demo', 7], extra: true }) });
  await expect(new EKS(connection).listClusters({})).rejects.toMatchObject({
    name: 'EmulatorBug',
    $metadata: { httpStatusCode: 500 },
  });
  expect(world.bugs.map(({ message }) => message)).toEqual([
    'the reply of eks.ListClusters breaks its schema: clusters[1]: must be a string, not number; extra: must be a member of this shape',
  ]);
  expect(world.calls.at(-1)?.error).toBe('EmulatorBug');
});

test('a handler that throws is a loud bug with its stack', async () => {
  world.dispatcher.register('eks', { ListClusters: () => Promise.reject(new TypeError('x is undefined')) });
  await expect(new EKS(connection).listClusters({})).rejects.toMatchObject({ name: 'EmulatorBug' });
  expect(world.bugs[0]?.message).toContain('eks.ListClusters failed: TypeError: x is undefined');
});

test('the states service is served with whatever operations are registered', async () => {
  const executionArn = 'arn:aws:states:us-east-1:111122223333:execution:migrate-cluster:one';
  world.dispatcher.register('states', {
    StartExecution: () => Promise.resolve({ executionArn, startDate: new Date('2026-11-21T22:00:00.123Z') }),
    DescribeExecution: () => Promise.reject(new ServiceError('ExecutionDoesNotExist', 'Execution does not exist')),
  });
  const client = new SFN(connection);
  const { $metadata: _, ...started } = await client.startExecution({ stateMachineArn: 'arn', input: '{}' });
  expect(started).toEqual({ executionArn, startDate: new Date('2026-11-21T22:00:00.123Z') });
  await expect(client.describeExecution({ executionArn })).rejects.toMatchObject({ name: 'ExecutionDoesNotExist' });
});

test('throttling comes in each service’s own form', async () => {
  const throttle = (service: string, operation: string) => ({
    on: { service, operation },
    error: 'ThrottlingException',
  });
  world.faults.add([
    throttle('eks', 'ListClusters'),
    throttle('ssm', 'ListCommands'),
    throttle('ec2', 'DescribeInstances'),
    throttle('s3', 'ListBuckets'),
    throttle('sts', 'GetCallerIdentity'),
  ]);
  world.dispatcher.register('ssm', { ListCommands: () => Promise.resolve({}) });
  world.dispatcher.register('ec2', { DescribeInstances: () => Promise.resolve({}) });
  world.dispatcher.register('s3', { ListBuckets: () => Promise.resolve({}) });
  world.dispatcher.register('sts', { GetCallerIdentity: () => Promise.resolve({}) });
  const errors = await Promise.all(
    [
      new EKS(connection).listClusters({}),
      new SSM(connection).listCommands({}),
      new EC2(connection).describeInstances({}),
      new S3(connection).listBuckets({}),
      new STS(connection).getCallerIdentity({}),
    ].map((call) =>
      call.then(
        String,
        (error: Error & { $metadata: { httpStatusCode: number } }) => `${error.name} ${error.$metadata.httpStatusCode}`,
      ),
    ),
  );
  expect(errors).toEqual([
    'ThrottlingException 429',
    'ThrottlingException 400',
    'RequestLimitExceeded 503',
    'SlowDown 503',
    'Throttling 400',
  ]);
});

test('the call log keeps every call in order with its principal, input and error', async () => {
  const credentials = world.credentials.issue(
    'nightshift-inspect-cluster',
    'arn:aws:sts::111122223333:assumed-role/nightshift/x',
  );
  const client = new EKS({ ...connection, credentials });
  await client.describeCluster({ name: 'demo' });
  await client.describeCluster({ name: 'other' }).catch(() => undefined);
  expect(world.calls).toEqual([
    {
      at: '2026-11-21T22:00:00.000Z',
      service: 'eks',
      operation: 'DescribeCluster',
      principal: 'nightshift-inspect-cluster',
      input: { name: 'demo' },
    },
    {
      at: '2026-11-21T22:00:00.000Z',
      service: 'eks',
      operation: 'DescribeCluster',
      principal: 'nightshift-inspect-cluster',
      input: { name: 'other' },
      error: 'ResourceNotFoundException',
    },
  ]);
});

test('an operation that AWS does not have cannot be registered', () => {
  expect(() => world.dispatcher.register('eks', { DescribeKluster: () => Promise.resolve({}) })).toThrow(
    'eks has no operation DescribeKluster',
  );
});
