import { expect, test } from 'vitest';
import { functionTask, only, output, run, seconds, start, startEngine, types } from './machine.ts';

/** A function that fails with these error types, one a call, and then answers `{ok: true}`. */
function failing(...errors: string[]) {
  return async () => {
    const errorType = errors.shift();
    if (errorType === undefined) return { payload: { ok: true } };
    return { error: { errorType, errorMessage: 'a node said no', trace: [] } };
  };
}

test('a retried task is scheduled again after the growing pause, inside one stay in the state', async () => {
  const world = startEngine({ invokeFunction: failing('Busy', 'Busy', 'Busy') });
  const retry = { ErrorEquals: ['Busy'], IntervalSeconds: 2, BackoffRate: 3, MaxAttempts: 5, MaxDelaySeconds: 10 };
  const execution = await run(world, only(functionTask({ Retry: [retry] })), { cluster: 'demo' });
  expect(types(execution)).toEqual([
    'ExecutionStarted',
    'TaskStateEntered',
    'TaskScheduled',
    'TaskStarted',
    'TaskFailed',
    'TaskScheduled',
    'TaskStarted',
    'TaskFailed',
    'TaskScheduled',
    'TaskStarted',
    'TaskFailed',
    'TaskScheduled',
    'TaskStarted',
    'TaskSucceeded',
    'TaskStateExited',
    'ExecutionSucceeded',
  ]);
  // 2 s, 6 s, then 10 s instead of 18 s.
  expect(seconds(execution)).toEqual([0, 0, 0, 0, 0, 2, 2, 2, 8, 8, 8, 18, 18, 18, 18, 18]);
});

test('full jitter takes a random part of the pause', async () => {
  const world = startEngine({ invokeFunction: failing('Busy'), random: () => 0.25 });
  const retry = { ErrorEquals: ['States.ALL'], IntervalSeconds: 8, JitterStrategy: 'FULL' };
  const execution = await run(world, only(functionTask({ Retry: [retry] })), { cluster: 'demo' });
  expect(seconds(execution).at(-1)).toBe(2);
});

test('each retrier counts its own attempts, and the first that names the error decides', async () => {
  const world = startEngine({ invokeFunction: failing('Busy', 'Odd', 'Busy') });
  const execution = await run(
    world,
    only(
      functionTask({
        Retry: [
          { ErrorEquals: ['Busy'], IntervalSeconds: 1, MaxAttempts: 1 },
          { ErrorEquals: ['States.ALL'], IntervalSeconds: 5, MaxAttempts: 9 },
        ],
      }),
    ),
    { cluster: 'demo' },
  );
  expect([execution.status, execution.error]).toEqual(['FAILED', 'Busy']);
  expect(seconds(execution).at(-1)).toBe(6);
});

test('the context object counts the retries', async () => {
  const seen: unknown[] = [];
  const failed = failing('Busy', 'Busy');
  const world = startEngine({
    invokeFunction: (_, payload) => {
      seen.push(payload);
      return failed();
    },
  });
  const task = functionTask({
    Arguments: { FunctionName: 'f', Payload: '{% $states.context.State.RetryCount %}' },
    Retry: [{ ErrorEquals: ['Busy'] }],
  });
  await run(world, only(task));
  expect(seen).toEqual([0, 1, 2]);
});

test("a function's error arrives as its type with the whole error as the cause", async () => {
  const world = startEngine({ invokeFunction: failing('NodesNotPrepared') });
  const execution = await run(world, only(functionTask()), { cluster: 'demo' });
  const cause = '{"errorType":"NodesNotPrepared","errorMessage":"a node said no","trace":[]}';
  expect(execution.history[4]?.taskFailedEventDetails).toEqual({
    resourceType: 'lambda',
    resource: 'invoke',
    error: 'NodesNotPrepared',
    cause,
  });
  expect([execution.error, execution.cause]).toEqual(['NodesNotPrepared', cause]);
});

test('a caught error goes on with the catcher: its variables, its output, its next state', async () => {
  const world = startEngine({ invokeFunction: failing('NodesNotPrepared') });
  const execution = await run(
    world,
    {
      StartAt: 'Prepare',
      States: {
        Prepare: functionTask({
          Assign: { never: 1 },
          Catch: [
            { ErrorEquals: ['Other'], Next: 'End' },
            {
              ErrorEquals: ['States.ALL'],
              Assign: { failure: '{% $states.errorOutput.Error %}' },
              Output: '{% $states.input.cluster %}',
              Next: 'End',
            },
          ],
          Next: 'End',
        }),
        End: { Type: 'Pass', Output: ['{% $failure %}', '{% $states.input %}'], End: true },
      },
    },
    { cluster: 'demo' },
  );
  expect(types(execution).slice(4, 6)).toEqual(['TaskFailed', 'TaskStateExited']);
  expect(output(execution)).toEqual(['NodesNotPrepared', 'demo']);
});

test('without an Output a catcher gives the error on', async () => {
  const world = startEngine({ invokeFunction: failing('NodesNotPrepared') });
  const task = functionTask({ Catch: [{ ErrorEquals: ['NodesNotPrepared'], Next: 'End' }], Next: 'End' });
  const execution = await run(
    world,
    { StartAt: 'Prepare', States: { Prepare: task, End: { Type: 'Succeed', Output: '{% $states.input.Error %}' } } },
    { cluster: 'demo' },
  );
  expect(output(execution)).toBe('NodesNotPrepared');
});

test('a task that takes longer than its TimeoutSeconds times out at that second', async () => {
  const world = startEngine({ invokeFunction: failing(), functionSeconds: 100 });
  const execution = await run(world, only(functionTask({ TimeoutSeconds: 30 })), { cluster: 'demo' });
  expect(types(execution)).toEqual([
    'ExecutionStarted',
    'TaskStateEntered',
    'TaskScheduled',
    'TaskStarted',
    'TaskTimedOut',
    'ExecutionFailed',
  ]);
  expect(seconds(execution).at(-1)).toBe(30);
  expect([execution.status, execution.error]).toEqual(['FAILED', 'States.Timeout']);
});

test('a timed-out task is retried, and time goes on after it', async () => {
  const world = startEngine({ invokeFunction: failing(), functionSeconds: 100 });
  const task = functionTask({
    TimeoutSeconds: 30,
    Retry: [{ ErrorEquals: ['States.Timeout'], MaxAttempts: 2, IntervalSeconds: 7, BackoffRate: 1 }],
  });
  const execution = await run(world, only(task), { cluster: 'demo' });
  expect(seconds(execution).at(-1)).toBe(30 + 7 + 30 + 7 + 30);
});

test('States.TaskFailed does not stand for a timeout, States.ALL does', async () => {
  const world = startEngine({ invokeFunction: failing(), functionSeconds: 100 });
  const caught = [
    { ErrorEquals: ['States.TaskFailed'], Next: 'Wrong' },
    { ErrorEquals: ['States.ALL'], Next: 'Right' },
  ];
  const execution = await run(
    world,
    {
      StartAt: 'T',
      States: {
        T: functionTask({ TimeoutSeconds: 30, Catch: caught, Next: 'Wrong' }),
        Right: { Type: 'Succeed' },
        Wrong: { Type: 'Fail' },
      },
    },
    { cluster: 'demo' },
  );
  expect(execution.status).toBe('SUCCEEDED');
});

test("the machine's TimeoutSeconds cuts a wait and ends the execution TIMED_OUT", async () => {
  const execution = await run(startEngine(), { ...only({ Type: 'Wait', Seconds: 99_999 }), TimeoutSeconds: 600 });
  expect(types(execution)).toEqual(['ExecutionStarted', 'WaitStateEntered', 'ExecutionTimedOut']);
  expect(seconds(execution).at(-1)).toBe(600);
  expect([execution.status, execution.error]).toEqual(['TIMED_OUT', undefined]);
  expect(execution.history[2]?.executionTimedOutEventDetails).toEqual({ error: 'States.Timeout' });
});

test('an execution that is stopped in a wait is ABORTED at that moment, and nothing follows', async () => {
  const world = startEngine();
  const execution = start(world, only({ Type: 'Wait', Seconds: 3600 }));
  world.clock.at(new Date('2026-11-21T22:20:00Z'), () => world.engine.stop(execution, 'Stopped', 'by hand'));
  await execution.ended;
  await world.clock.skip(7200_000);
  expect(types(execution)).toEqual(['ExecutionStarted', 'WaitStateEntered', 'ExecutionAborted']);
  expect(seconds(execution).at(-1)).toBe(1200);
  expect(execution.history[2]?.executionAbortedEventDetails).toEqual({ error: 'Stopped', cause: 'by hand' });
});

test('an execution that is stopped while its function runs takes no notice of the answer', async () => {
  const world = startEngine({ invokeFunction: failing(), functionSeconds: 100 });
  const caught = [{ ErrorEquals: ['States.ALL'], Next: 'Only' }];
  const execution = start(world, only(functionTask({ Catch: caught })), { cluster: 'demo' });
  world.clock.at(new Date('2026-11-21T22:00:50Z'), () => world.engine.stop(execution, undefined, undefined));
  await execution.ended;
  await world.clock.skip(7200_000);
  expect(types(execution).at(-1)).toBe('ExecutionAborted');
  expect(types(execution)).toHaveLength(5);
  expect(execution.history.at(-1)?.executionAbortedEventDetails).toEqual({});
});

test('an execution can be stopped by a listener when it enters a state, before the state does anything', async () => {
  let invoked = false;
  const world = startEngine({
    invokeFunction: async () => {
      invoked = true;
      return { payload: null };
    },
    onStateEntered: async (execution, name) => {
      if (name === 'Only') world.engine.stop(execution, 'Fault', undefined);
    },
  });
  const execution = await run(world, only(functionTask()), { cluster: 'demo' });
  expect(types(execution)).toEqual(['ExecutionStarted', 'TaskStateEntered', 'ExecutionAborted']);
  expect(invoked).toBe(false);
});

test('an error of the sandbox itself is States.Runtime, which no state catches, and is reported', async () => {
  const world = startEngine();
  const task = functionTask({ Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Only' }] });
  const execution = await run(world, only(task), { cluster: 'demo' });
  expect([execution.status, execution.error]).toEqual(['FAILED', 'States.Runtime']);
  expect(world.bugs).toEqual([new Error('this test has no functions')]);
});
