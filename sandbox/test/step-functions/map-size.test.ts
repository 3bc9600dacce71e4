import { afterEach, expect, test } from 'vitest';
import type { Execution } from '../../step-functions/execution.ts';
import { ServedRegion } from './served.ts';

const CHILDREN = 1_000;
/** Forty times a Pass, and a Task that calls a function. */
const PAIRS = 40;
const ARN = 'arn:aws:states:us-east-1:111122223333';
const roleArn = 'arn:aws:iam::111122223333:role/fleet';

const world = new ServedRegion();
afterEach(async () => {
  await world.close();
  expect([...world.bugs, ...world.broken, ...world.clockErrors]).toEqual([]);
});

function register(name: string, StartAt: string, States: Record<string, unknown>) {
  const definition = JSON.stringify({ QueryLanguage: 'JSONata', StartAt, States });
  return world.engine.register({ name, definition, roleArn });
}

function migration(): Record<string, unknown> {
  const pairs = Array.from({ length: PAIRS }, (_, index) => [
    [
      `Note${index}`,
      { Type: 'Pass', Assign: { note: `{% 'step ${index} of ' & $states.input.cluster %}` }, Next: `Call${index}` },
    ],
    [
      `Call${index}`,
      {
        Type: 'Task',
        Resource: 'arn:aws:states:::lambda:invoke',
        Arguments: { FunctionName: 'look', Payload: { cluster: '{% $states.input.cluster %}', note: '{% $note %}' } },
        Output: '{% $states.result.Payload %}',
        ...(index + 1 < PAIRS ? { Next: `Note${index + 1}` } : { End: true }),
      },
    ],
  ]);
  return Object.fromEntries(pairs.flat());
}

const FLEET = {
  Type: 'Map',
  Label: 'Clusters',
  Items: "{% $map([1..$states.input], function($n) { { 'cluster': 'c-' & $n } }) %}",
  MaxConcurrency: 100,
  ItemProcessor: {
    ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
    StartAt: 'Migrate',
    States: {
      Migrate: {
        Type: 'Task',
        Resource: 'arn:aws:states:::states:startExecution.sync:2',
        Arguments: { StateMachineArn: `${ARN}:stateMachine:migrate`, Input: '{% $states.input %}' },
        Output: '{% $states.result.Output.cluster %}',
        End: true,
      },
    },
  },
  Output: '{% $count($distinct($states.result)) %}',
  End: true,
};

const events = (executions: readonly Execution[]) => executions.reduce((sum, { history }) => sum + history.length, 0);

test('a Map Run of 1,000 children that each run an execution of 80 states keeps small histories', async () => {
  world.invoke = async (_name, payload) => ({ payload });
  world.region.latencies.function = 1;
  register('migrate', 'Note0', migration());
  const parent = world.engine.start(register('fleet', 'Each', { Each: FLEET }), 'run-1', CHILDREN);
  await world.clock.idle();
  expect([parent.status, parent.output?.text]).toEqual(['SUCCEEDED', '1000']);
  expect(parent.history).toHaveLength(8);
  const [mapRun] = world.engine.mapRuns.values();
  expect(mapRun?.children).toHaveLength(1_000);
  // The execution's start and end, and the Task's entry, schedule, start, submission, success and exit.
  expect(events(mapRun?.children ?? [])).toBe(8_000);
  const migrations = [...world.engine.executions.values()].filter(({ machine }) => machine.name === 'migrate');
  // 2 of the execution, 2 for each Pass, 5 for each Task.
  expect(events(migrations)).toBe(282_000);
  const all = [...world.engine.executions.values()];
  expect(all.filter(({ bytesHeld }) => bytesHeld === 0)).toHaveLength(20);
  // As JSON the histories have some 77 MB.
  expect(all.reduce((sum, { bytesHeld }) => sum + bytesHeld, 0)).toBeLessThan(10_000_000);
});
