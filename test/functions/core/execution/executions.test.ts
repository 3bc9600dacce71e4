import { expect, test } from 'vitest';
import { isExecutionName, readExecutionArn, recordPrefix } from '../../../../functions/core/execution/executions.ts';

const ARN = 'arn:aws:states:us-east-1:111122223333:execution:nightshift-migrate-cluster';

test.each(['demo-1', 'night.1', '_', 'n'.repeat(80)])('%s is the name of an execution, alone and in an ARN', (name) => {
  expect(isExecutionName(name)).toBe(true);
  expect(readExecutionArn(`${ARN}:${name}`)).toEqual({ machine: 'migrate', name });
});

test.each(['', '..', '.hidden', 'a b', 'a/b', 'a:b', 'n'.repeat(81)])('%j is none, alone and in an ARN', (name) => {
  expect(isExecutionName(name)).toBe(false);
  expect(readExecutionArn(`${ARN}:${name}`)).toBeNull();
});

test.each([
  ['nightshift-migrate-cluster', 'a.b', 'executions/a.b/'],
  ['nightshift-rollback-cluster', 'a.b', 'rollbacks/a.b/'],
  ['nightshift-rollback-cluster', 'a@b', 'rollbacks/unnamed-a0d20167573a62b8/'],
])('what an execution of %s named %s stores stands in a folder of its own', (machine, name, prefix) => {
  const arn = `arn:aws:states:us-east-1:111122223333:execution:${machine}:${name}`;
  expect(recordPrefix({ name, arn })).toBe(prefix);
});
