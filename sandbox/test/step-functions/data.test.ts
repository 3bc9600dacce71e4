import { expect, test } from 'vitest';
import { functionTask, only, output, run, start, startEngine, types } from './machine.ts';

const echo = { invokeFunction: async (_: string, payload: unknown) => ({ payload }) };

test('all expressions of an Assign see the values from before it', async () => {
  const execution = await run(startEngine(), {
    StartAt: 'Set',
    States: {
      Set: { Type: 'Pass', Assign: { x: 3, a: 6 }, Next: 'Swap' },
      Swap: { Type: 'Pass', Assign: { x: '{% $a %}', a: '{% $x %}' }, Output: '{% $x %}', Next: 'Read' },
      Read: { Type: 'Succeed', Output: ['{% $states.input %}', '{% $x %}', '{% $a %}'] },
    },
  });
  expect(output(execution)).toEqual([3, 6, 3]);
});

test('the context object has the execution, the state and the machine', async () => {
  const execution = await run(startEngine(), only({ Type: 'Succeed', Output: '{% $states.context %}' }), {
    cluster: 'demo',
  });
  expect(output(execution)).toEqual({
    Execution: {
      Id: 'arn:aws:states:eu-central-1:111122223333:execution:small:night-1',
      Input: { cluster: 'demo' },
      Name: 'night-1',
      RoleArn: 'arn:aws:iam::111122223333:role/nightshift-state-machines',
      StartTime: '2026-11-21T22:00:00.000Z',
      RedriveCount: 0,
    },
    State: { Name: 'Only', EnteredTime: '2026-11-21T22:00:00.000Z', RetryCount: 0 },
    StateMachine: { Id: 'arn:aws:states:eu-central-1:111122223333:stateMachine:small', Name: 'small' },
  });
});

test.each([
  ['$partition([1..5], 2)', [[1, 2], [3, 4], [5]]],
  ['$range(0, 10, 5)', [0, 5, 10]],
  ['$range(3, 1, -1)', [3, 2, 1]],
  ['$hash("nightshift", "SHA-256")', '24196f8a6feeb465c790774d3f85b53a2cdf84ed1e0044c420086c4310c3f56e'],
  ['$random(7) = $random(7)', true],
  ['$length($uuid())', 36],
  ['$parse("{\\"a\\":[1]}").a', [1]],
  ['$now()', '2026-11-21T22:00:00.000Z'],
  ['$now("[H01]:[m01]", "+0100")', '23:00'],
  ['$millis()', 1795298400000],
  ['$map([1,2], function($n){$n * 2})', [2, 4]],
  ['{"gone": $states.input.absent, "kept": null}', { kept: null }],
])('%s', async (source, expected) => {
  const execution = await run(startEngine(), only({ Type: 'Succeed', Output: { value: `{% ${source} %}` } }));
  expect(output(execution)).toEqual({ value: expected });
});

test.each([
  ['$error("no")', 'threw an error during evaluation. D3137: no'],
  ['$range(1, 2)', 'returned nothing (undefined).'],
  ['$sum', 'returned an unsupported result type: function is not JSON.'],
])('%s fails its state with States.QueryEvaluationError', async (source, what) => {
  const execution = await run(startEngine(), only({ Type: 'Pass', Output: `{% ${source} %}` }));
  expect(execution.error).toBe('States.QueryEvaluationError');
  expect(execution.cause).toBe(
    "An error occurred while executing the state 'Only' (entered at the event id #2). The JSONata expression " +
      `'${source}' specified for the field 'Output' ${what}`,
  );
});

test('a condition that is not a boolean fails its state', async () => {
  const execution = await run(startEngine(), {
    StartAt: 'Pick',
    States: {
      Pick: { Type: 'Choice', Choices: [{ Condition: '{% 1 %}', Next: 'Done' }], Default: 'Done' },
      Done: { Type: 'Succeed' },
    },
  });
  expect(types(execution)).toEqual(['ExecutionStarted', 'ChoiceStateEntered', 'EvaluationFailed', 'ExecutionFailed']);
});

test('a failed Output of a task can be caught', async () => {
  const task = functionTask({
    Output: '{% $states.result.absent %}',
    Catch: [{ ErrorEquals: ['States.QueryEvaluationError'], Next: 'End' }],
    Next: 'End',
  });
  const execution = await run(
    startEngine(echo),
    { StartAt: 'T', States: { T: task, End: { Type: 'Succeed' } } },
    { cluster: 'demo' },
  );
  expect(types(execution)).toEqual([
    'ExecutionStarted',
    'TaskStateEntered',
    'TaskScheduled',
    'TaskStarted',
    'TaskSucceeded',
    'EvaluationFailed',
    'TaskStateExited',
    'SucceedStateEntered',
    'SucceedStateExited',
    'ExecutionSucceeded',
  ]);
});

test('a result of more than 262,144 bytes is States.DataLimitExceeded, which only its own name catches', async () => {
  const world = startEngine({ invokeFunction: async () => ({ payload: 'x'.repeat(262_144) }) });
  const states = (name: string) => ({
    StartAt: 'T',
    States: {
      T: functionTask({ Catch: [{ ErrorEquals: [name], Next: 'End' }], Next: 'End' }),
      End: { Type: 'Succeed', Output: 'caught' },
    },
  });
  const all = await run(world, states('States.ALL'), { cluster: 'demo' });
  expect([all.status, all.error]).toEqual(['FAILED', 'States.DataLimitExceeded']);
  expect(types(all).slice(4)).toEqual(['TaskFailed', 'ExecutionFailed']);
  const named = start(world, states('States.DataLimitExceeded'), { cluster: 'demo' }, 'night-2');
  await named.ended;
  expect(output(named)).toBe('caught');
});

test.each([
  ['a result of exactly 262,144 bytes passes', 262_142, 'SUCCEEDED'],
  ['an output of one byte more does not', 262_143, 'FAILED'],
])('%s', async (_, length, status) => {
  const world = startEngine();
  const execution = await run(world, only({ Type: 'Succeed', Output: `{% $pad("", ${length}, "x") %}` }));
  expect(execution.status).toBe(status);
});

test('a variable of more than 256 KiB is refused', async () => {
  const world = startEngine();
  const execution = await run(world, only({ Type: 'Pass', Assign: { big: '{% $pad("", 262143, "é") %}' } }));
  expect([execution.status, execution.error]).toEqual(['FAILED', 'States.DataLimitExceeded']);
});

test('all variables together stay under 10 MiB', async () => {
  const names = Array.from({ length: 41 }, (_, index) => `v${index}`);
  const states = names.map((name, index) => {
    const next = names[index + 1];
    const transition = next === undefined ? { End: true } : { Next: next };
    return [name, { Type: 'Pass', Assign: { [name]: '{% $pad("", 262000, "x") %}' }, ...transition }] as const;
  });
  const execution = await run(startEngine(), { StartAt: 'v0', States: Object.fromEntries(states) });
  expect([
    execution.status,
    execution.error,
    types(execution).filter((type) => type === 'PassStateExited').length,
  ]).toEqual(['FAILED', 'States.DataLimitExceeded', 40]);
});

test.each([
  [{ Seconds: 90 }, 90],
  [{ Seconds: '{% $states.input.n * 2 %}' }, 14],
  [{ Timestamp: '2026-11-21T22:01:00Z' }, 60],
  [{ Timestamp: '{% $states.input.at %}' }, 3600],
  [{ Timestamp: '2020-01-01T00:00:00Z' }, 0],
])('Wait %j waits %d seconds', async (fields, seconds) => {
  const world = startEngine();
  const execution = await run(world, only({ Type: 'Wait', ...fields }), { n: 7, at: '2026-11-22T00:00:00+01:00' });
  expect(Number(execution.stopDate) - Number(execution.startDate)).toBe(seconds * 1000);
});

test.each([{ Seconds: '{% -1 %}' }, { Seconds: '{% "9" %}' }, { Timestamp: 'tomorrow' }, { Timestamp: '2026-11-22' }])(
  'Wait %j fails',
  async (fields) => {
    const execution = await run(startEngine(), only({ Type: 'Wait', ...fields }));
    expect(execution.error).toBe('States.QueryEvaluationError');
  },
);
