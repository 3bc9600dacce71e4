import type * as Sdk from '@aws-sdk/client-sfn';
import { operations, ServiceError } from '@nightshift/sandbox/wire';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stepFunctions } from '../../../functions/aws/step-functions.ts';
import { startWire, type Wire } from './wire.ts';

const MACHINE = 'arn:aws:states:us-east-1:111122223333:stateMachine:rollback-cluster';
const EXECUTION = 'arn:aws:states:us-east-1:111122223333:execution:rollback-cluster:recover-demo-1';
const STARTED = new Date('2026-11-21T07:00:00Z');
const STOPPED = new Date('2026-11-23T07:00:00Z');
const described = (name: string, status: Sdk.ExecutionStatus, stopDate?: Date) => ({
  executionArn: `${EXECUTION}-${name}`,
  stateMachineArn: MACHINE,
  name,
  status,
  startDate: STARTED,
  stopDate,
});
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
      GetExecutionHistory: ({ nextToken }) =>
        nextToken
          ? { events: [{ id: 3, type: 'ExecutionAborted', timestamp: STOPPED }] }
          : {
              events: [
                { id: 1, type: 'ExecutionStarted', timestamp: STARTED, executionStartedEventDetails: { input: '{}' } },
                { id: 2, type: 'PassStateEntered', timestamp: STARTED },
              ],
              nextToken: 'more',
            },
      ListExecutions: ({ nextToken }) =>
        nextToken
          ? { executions: [described('waited-for-weeks', 'ABORTED', STOPPED)] }
          : {
              executions: [described('runs', 'RUNNING'), described('long-ago', 'SUCCEEDED', STARTED)],
              nextToken: 'more',
            },
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

test('a history has all pages, one event per line', async () => {
  expect(await stepFunctions.history(EXECUTION)).toEqual([
    '{"timestamp":"2026-11-21T07:00:00.000Z","type":"ExecutionStarted","id":1,"executionStartedEventDetails":{"input":"{}"}}',
    '{"timestamp":"2026-11-21T07:00:00.000Z","type":"PassStateEntered","id":2}',
    '{"timestamp":"2026-11-23T07:00:00.000Z","type":"ExecutionAborted","id":3}',
  ]);
});

test('executions that ended lately are found on every page, whenever they began', async () => {
  const pages: unknown[] = [];
  for await (const page of stepFunctions.endedSince(MACHINE, STOPPED)) pages.push(page);
  expect(pages).toEqual([
    [],
    [
      {
        executionArn: `${EXECUTION}-waited-for-weeks`,
        stateMachineArn: MACHINE,
        name: 'waited-for-weeks',
        status: 'ABORTED',
        stoppedAt: STOPPED,
      },
    ],
  ]);
});
