import { expect, test } from 'vitest';
import { functionTask, only, output, run, seconds, startEngine, types } from './machine.ts';

test('a task, a wait, a choice and an end leave the events of Step Functions in its order', async () => {
  const world = startEngine({ invokeFunction: async () => ({ payload: { nodes: 3 } }) });
  const execution = await run(
    world,
    {
      StartAt: 'Inspect',
      States: {
        Inspect: functionTask({
          TimeoutSeconds: 60,
          Assign: { nodes: '{% $states.result.Payload.nodes %}' },
          Next: 'Rest',
        }),
        Rest: { Type: 'Wait', Seconds: '{% $nodes * 3600 %}', Next: 'Enough' },
        Enough: {
          Type: 'Choice',
          Choices: [{ Condition: '{% $nodes > 2 %}', Next: 'Done', Output: { nodes: '{% $nodes %}' } }],
          Default: 'Refuse',
        },
        Done: { Type: 'Succeed' },
        Refuse: { Type: 'Fail', Error: 'TooFew' },
      },
    },
    { cluster: 'demo' },
  );
  expect(types(execution)).toEqual([
    'ExecutionStarted',
    'TaskStateEntered',
    'TaskScheduled',
    'TaskStarted',
    'TaskSucceeded',
    'TaskStateExited',
    'WaitStateEntered',
    'WaitStateExited',
    'ChoiceStateEntered',
    'ChoiceStateExited',
    'SucceedStateEntered',
    'SucceedStateExited',
    'ExecutionSucceeded',
  ]);
  expect(execution.history.map(({ id, previousEventId }) => [id, previousEventId])).toEqual([
    [1, 0],
    [2, 0],
    [3, 2],
    [4, 3],
    [5, 4],
    [6, 5],
    [7, 6],
    [8, 7],
    [9, 8],
    [10, 9],
    [11, 10],
    [12, 11],
    [13, 12],
  ]);
  expect(seconds(execution)).toEqual([0, 0, 0, 0, 0, 0, 0, 10800, 10800, 10800, 10800, 10800, 10800]);
  expect(output(execution)).toEqual({ nodes: 3 });
  expect(world.bugs).toEqual([]);
});

test("a task's events carry its integration, its arguments, its result and the variables it set", async () => {
  const world = startEngine({ invokeFunction: async () => ({ payload: { nodes: 3 } }) });
  const execution = await run(
    world,
    only(functionTask({ TimeoutSeconds: 60, Assign: { nodes: '{% $states.result.Payload.nodes %}' }, Output: 'kept' })),
    { cluster: 'demo' },
  );
  const [, entered, scheduled, started, succeeded, exited, ended] = execution.history;
  expect(entered?.stateEnteredEventDetails).toEqual({
    name: 'Only',
    input: '{"cluster":"demo"}',
    inputDetails: { truncated: false },
  });
  expect(scheduled?.taskScheduledEventDetails).toEqual({
    resourceType: 'lambda',
    resource: 'invoke',
    region: 'eu-central-1',
    parameters: '{"FunctionName":"nightshift-inspect-cluster","Payload":{"cluster":"demo"}}',
    timeoutInSeconds: 60,
  });
  expect(started?.taskStartedEventDetails).toEqual({ resourceType: 'lambda', resource: 'invoke' });
  expect(succeeded?.taskSucceededEventDetails).toEqual({
    resourceType: 'lambda',
    resource: 'invoke',
    output: '{"ExecutedVersion":"$LATEST","Payload":{"nodes":3},"StatusCode":200}',
    outputDetails: { truncated: false },
  });
  expect(exited?.stateExitedEventDetails).toEqual({
    name: 'Only',
    output: '"kept"',
    outputDetails: { truncated: false },
    assignedVariables: { nodes: '3' },
    assignedVariablesDetails: { truncated: false },
  });
  expect(ended?.executionSucceededEventDetails).toEqual({ output: '"kept"', outputDetails: { truncated: false } });
});

test('a Fail state that evaluates to a name of Step Functions is itself a fault', async () => {
  const execution = await run(startEngine(), only({ Type: 'Fail', Error: '{% $states.input.error %}' }), {
    error: 'States.Timeout',
  });
  expect([execution.status, execution.error, execution.cause]).toEqual([
    'FAILED',
    'States.Runtime',
    "The Error of a Fail state must not begin with 'States.': 'States.Timeout'",
  ]);
});

test('a Fail state ends the execution with its own error and cause, without an exit', async () => {
  const execution = await run(
    startEngine(),
    only({ Type: 'Fail', Error: '{% "Nodes" & "NotPrepared" %}', Cause: '{% "cluster " & $states.input.cluster %}' }),
    { cluster: 'demo' },
  );
  expect(types(execution)).toEqual(['ExecutionStarted', 'FailStateEntered', 'ExecutionFailed']);
  expect(execution.history[2]?.executionFailedEventDetails).toEqual({
    error: 'NodesNotPrepared',
    cause: 'cluster demo',
  });
  expect([execution.status, execution.error, execution.cause]).toEqual(['FAILED', 'NodesNotPrepared', 'cluster demo']);
});

test('an expression without a result is an EvaluationFailed event with its place', async () => {
  const execution = await run(startEngine(), only({ Type: 'Pass', Output: { a: ['{% $states.input.absent %}'] } }));
  expect(types(execution)).toEqual(['ExecutionStarted', 'PassStateEntered', 'EvaluationFailed', 'ExecutionFailed']);
  const cause =
    "An error occurred while executing the state 'Only' (entered at the event id #2). The JSONata expression " +
    "'$states.input.absent' specified for the field 'Output/a[0]' returned nothing (undefined).";
  expect(execution.history[2]?.evaluationFailedEventDetails).toEqual({
    error: 'States.QueryEvaluationError',
    cause,
    location: 'Output/a[0]',
    state: 'Only',
  });
  expect(execution.history[3]?.executionFailedEventDetails).toEqual({ error: 'States.QueryEvaluationError', cause });
});

test('a Choice without a matching rule fails the execution', async () => {
  const execution = await run(startEngine(), {
    StartAt: 'Pick',
    States: {
      Pick: { Type: 'Choice', Choices: [{ Condition: '{% $states.input.n = 1 %}', Next: 'Done' }] },
      Done: { Type: 'Succeed' },
    },
  });
  expect(types(execution)).toEqual(['ExecutionStarted', 'ChoiceStateEntered', 'ExecutionFailed']);
  expect(execution.error).toBe('States.NoChoiceMatched');
});

test('the event that would be the 25,000th is ExecutionFailed', async () => {
  const execution = await run(startEngine(), {
    StartAt: 'A',
    States: { A: { Type: 'Pass', Next: 'B' }, B: { Type: 'Pass', Next: 'A' } },
  });
  expect(execution.history.length).toBe(25_000);
  expect(execution.history.at(-1)?.type).toBe('ExecutionFailed');
  expect(execution.cause).toBe('The execution reached the maximum number of history events (25000).');
});

test('an execution that succeeds with its 25,000th event succeeds', async () => {
  // Started, 12,499 states of two events, Succeeded: 25,000.
  const names = Array.from({ length: 12_499 }, (_, index) => `S${index}`);
  const states = names.map((name, index) => {
    const next = names[index + 1];
    return [name, next === undefined ? { Type: 'Succeed' } : { Type: 'Pass', Next: next }] as const;
  });
  const execution = await run(startEngine(), { StartAt: 'S0', States: Object.fromEntries(states) });
  expect([execution.status, execution.history.length]).toEqual(['SUCCEEDED', 25_000]);
});
