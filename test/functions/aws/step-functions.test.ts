import type * as Sdk from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stepFunctions } from '../../../functions/aws/step-functions.ts';
import { ServiceError } from '../../../sandbox/wire/error.ts';
import { operations } from '../../../sandbox/wire/operations.ts';
import { startWire, type Wire } from './wire.ts';

const MACHINE = 'arn:aws:states:us-east-1:111122223333:stateMachine:rollback-cluster';
const EXECUTION = 'arn:aws:states:us-east-1:111122223333:execution:rollback-cluster:recover-demo-1';
const names = new Set<string>();
let wire: Wire;

beforeAll(async () => {
  wire = await startWire({
    states: operations<typeof Sdk>({
      StartExecution({ name = '' }) {
        if (name === 'refused') throw new ServiceError('InvalidName', `Invalid Name: '${name}'`);
        if (names.has(name))
          throw new ServiceError('ExecutionAlreadyExists', `Execution Already Exists: '${EXECUTION}'`);
        names.add(name);
        return { executionArn: EXECUTION, startDate: new Date('2026-11-21T07:00:00Z') };
      },
      DescribeExecution: ({ executionArn }) => ({
        executionArn,
        stateMachineArn: MACHINE,
        status: 'ABORTED',
        startDate: new Date('2026-11-21T07:00:00Z'),
        input: '{"cluster":"demo"}',
      }),
    }),
  });
});
afterAll(() => wire.close());

const start = (name: string) => stepFunctions.start({ stateMachineArn: MACHINE, name, input: { cluster: 'demo' } });

test('an execution is started once under its name', async () => {
  expect(await start('recover-demo-1')).toEqual({ started: true });
  expect(await start('recover-demo-1')).toEqual({ started: false });
  expect(wire.calls[0]?.input).toEqual({
    stateMachineArn: MACHINE,
    name: 'recover-demo-1',
    input: '{"cluster":"demo"}',
  });
});

test('any other refusal is an error', async () => {
  await expect(start('refused')).rejects.toMatchObject({ name: 'InvalidName' });
});

test("an execution's input is its text", async () => {
  expect(await stepFunctions.input(EXECUTION)).toBe('{"cluster":"demo"}');
});
