import {
  HierarchyLevelLimitExceededException,
  HierarchyTypeMismatchException,
  InvalidNextToken,
  ParameterAlreadyExists,
  ParameterNotFound,
  ParameterPatternMismatchException,
  ParameterVersionNotFound,
  SSM,
  UnsupportedParameterType,
} from '@aws-sdk/client-ssm';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ssmService } from '../../services/ssm.ts';
import { TestRegion } from './region.ts';

let world: TestRegion;
let client: SSM;
let connection: Awaited<ReturnType<TestRegion['listen']>>;
beforeEach(async () => {
  world = new TestRegion();
  world.dispatcher.register('ssm', ssmService(world.region));
  connection = await world.listen();
  client = new SSM(connection);
});
afterEach(() => world.close());

const put = (Name: string, Value = 'v', more: object = {}) =>
  client.putParameter({ Name, Value, Type: 'String', ...more });

test('a parameter is written once, then overwritten, and keeps who wrote which version', async () => {
  const role = world.credentials.issue('ops/session', 'arn:aws:sts::111122223333:assumed-role/ops/session');
  expect(await put('/holds/all', 'until Monday', { Description: 'freeze' })).toMatchObject({
    Version: 1,
    Tier: 'Standard',
  });
  await expect(put('/holds/all', 'x')).rejects.toThrow(ParameterAlreadyExists);
  const other = new SSM({ ...connection, credentials: role });
  expect(await other.putParameter({ Name: '/holds/all', Value: 'until Friday', Overwrite: true })).toMatchObject({
    Version: 2,
  });
  expect((await client.getParameter({ Name: '/holds/all' })).Parameter).toEqual({
    Name: '/holds/all',
    Type: 'String',
    Value: 'until Friday',
    Version: 2,
    LastModifiedDate: new Date('2026-11-21T22:00:00Z'),
    ARN: 'arn:aws:ssm:us-east-1:111122223333:parameter/holds/all',
    DataType: 'text',
  });
  const { Parameters = [] } = await client.getParameterHistory({ Name: '/holds/all' });
  expect(Parameters.map(({ Version, Value, LastModifiedUser }) => [Version, Value, LastModifiedUser])).toEqual([
    [1, 'until Monday', 'arn:aws:iam::111122223333:user/person'],
    [2, 'until Friday', 'arn:aws:sts::111122223333:assumed-role/ops/session'],
  ]);
});

test('a version is read by its number, a parameter by its ARN', async () => {
  await put('plain', 'one');
  await put('plain', 'two', { Overwrite: true });
  expect((await client.getParameter({ Name: 'plain:1' })).Parameter).toMatchObject({ Value: 'one', Selector: ':1' });
  const Name = 'arn:aws:ssm:us-east-1:111122223333:parameter/plain';
  expect((await client.getParameter({ Name })).Parameter).toMatchObject({ Name: 'plain', Value: 'two' });
  await expect(client.getParameter({ Name: 'plain:7' })).rejects.toThrow(ParameterVersionNotFound);
  await expect(client.getParameter({ Name: '/other' })).rejects.toThrow(ParameterNotFound);
});

test('of several names those that are not there are listed apart', async () => {
  await put('/a');
  await put('/b');
  const { Parameters, InvalidParameters } = await client.getParameters({ Names: ['/b', '/c', '/a'] });
  expect([Parameters?.map(({ Name }) => Name), InvalidParameters]).toEqual([['/b', '/a'], ['/c']]);
  const eleven = Array.from({ length: 11 }, (_, index) => `/n${index}`);
  await expect(client.getParameters({ Names: eleven })).rejects.toThrow('between 1 and 10');
});

test('a path has its own parameters, with those of its folders if asked, ten a page', async () => {
  for (let index = 0; index < 12; index += 1) await put(`/holds/clusters/c${String(index).padStart(2, '0')}`);
  await put('/holds/all');
  await put('/holdsother');
  const names = async (input: Parameters<SSM['getParametersByPath']>[0]) =>
    (await client.getParametersByPath(input)).Parameters?.map(({ Name }) => Name);
  expect(await names({ Path: '/holds' })).toEqual(['/holds/all']);
  expect(await names({ Path: '/none' })).toEqual([]);
  const first = await client.getParametersByPath({ Path: '/holds/', Recursive: true });
  expect(first.Parameters).toHaveLength(10);
  const rest = await names({ Path: '/holds/', Recursive: true, NextToken: first.NextToken });
  expect(rest).toEqual(['/holds/clusters/c09', '/holds/clusters/c10', '/holds/clusters/c11']);
  await expect(names({ Path: '/holds', MaxResults: 11 })).rejects.toThrow('between 1 and 10');
  await expect(names({ Path: 'holds' })).rejects.toThrow('must begin with a forward slash');
  await expect(names({ Path: '/holds', NextToken: 'strange' })).rejects.toThrow(InvalidNextToken);
});

test('a deleted parameter is gone with its history, and its name begins again', async () => {
  await put('/a');
  await put('/a', 'w', { Overwrite: true });
  await client.deleteParameter({ Name: '/a' });
  await expect(client.deleteParameter({ Name: '/a' })).rejects.toThrow(ParameterNotFound);
  await expect(client.getParameterHistory({ Name: '/a' })).rejects.toThrow(ParameterNotFound);
  expect((await put('/a')).Version).toBe(1);
  await put('/b');
  expect(await client.deleteParameters({ Names: ['/a', '/c', '/b'] })).toMatchObject({
    DeletedParameters: ['/a', '/b'],
    InvalidParameters: ['/c'],
  });
});

test('names obey the rules: alphabet, prefix, full path, 15 levels, length', async () => {
  const deep = (levels: number) => `/${Array.from({ length: levels }, (_, level) => `l${level}`).join('/')}`;
  for (const name of ['with space', '/a//b', '/a/', 'awsome', '/ssm-own', 'ä'])
    await expect(put(name)).rejects.toThrow('can\'t be prefixed with "aws" or "ssm"');
  await expect(put('/aws/service/x')).rejects.toMatchObject({ name: 'AccessDeniedException' });
  await expect(put('a/b')).rejects.toThrow('must be a fully qualified name');
  expect((await put(deep(15))).Version).toBe(1);
  await expect(put(deep(16))).rejects.toThrow(HierarchyLevelLimitExceededException);
  // The ARN before the name, `arn:aws:ssm:us-east-1:111122223333:parameter/`, has 45 characters.
  expect((await put('n'.repeat(1011 - 45))).Version).toBe(1);
  await expect(put('n'.repeat(1012 - 45))).rejects.toThrow('at most 1011');
  expect((await put('  /trimmed ')).Version).toBe(1);
  expect((await client.getParameter({ Name: '/trimmed' })).Parameter?.Name).toBe('/trimmed');
});

test('values obey the rules: 4 KB, not empty, the pattern, the type of the first version', async () => {
  expect((await put('/a', 'x'.repeat(4096))).Version).toBe(1);
  await expect(put('/b', 'x'.repeat(4097))).rejects.toThrow('maximum parameter value of 4096');
  await expect(put('/b', 'é'.repeat(2049))).rejects.toThrow('maximum parameter value of 4096');
  await expect(put('/b', '')).rejects.toThrow('length greater than or equal to 1');
  await expect(put('/b', 'v', { AllowedPattern: '^\\d+$' })).rejects.toThrow(ParameterPatternMismatchException);
  await expect(client.putParameter({ Name: '/b', Value: 'v' })).rejects.toThrow('A parameter type is required');
  await expect(put('/b', 'v', { Type: 'SecureString' })).rejects.toThrow(UnsupportedParameterType);
  const changed = put('/a', 'v', { Type: 'StringList', Overwrite: true });
  await expect(changed).rejects.toThrow(HierarchyTypeMismatchException);
});

test('the history keeps the last 100 versions', async () => {
  await put('/a');
  for (let version = 2; version <= 101; version += 1) await put('/a', `v${version}`, { Overwrite: true });
  const first = await client.getParameterHistory({ Name: '/a' });
  const second = await client.getParameterHistory({ Name: '/a', NextToken: first.NextToken });
  expect([first, second].map(({ Parameters = [] }) => [Parameters[0]?.Version, Parameters.length])).toEqual([
    [2, 50],
    [52, 50],
  ]);
});

test('a parameter has tags', async () => {
  await put('/a', 'v', { Tags: [{ Key: 'team', Value: 'platform' }] });
  await expect(put('/a', 'v', { Overwrite: true, Tags: [{ Key: 'k', Value: 'v' }] })).rejects.toThrow(
    "tags and overwrite can't be used together",
  );
  const resource = { ResourceType: 'Parameter', ResourceId: '/a' } as const;
  await client.addTagsToResource({ ...resource, Tags: [{ Key: 'stage', Value: 'one' }] });
  await client.removeTagsFromResource({ ...resource, TagKeys: ['team'] });
  expect((await client.listTagsForResource(resource)).TagList).toEqual([{ Key: 'stage', Value: 'one' }]);
  await expect(client.listTagsForResource({ ...resource, ResourceId: '/b' })).rejects.toMatchObject({
    name: 'InvalidResourceId',
  });
});
