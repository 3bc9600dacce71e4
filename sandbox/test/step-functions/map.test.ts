import { expect, test } from 'vitest';
import { output, run, seconds, startEngine, types } from './machine.ts';

const map = (states: Record<string, unknown>, fields: Record<string, unknown> = {}) => ({
  StartAt: 'Each',
  States: {
    Each: {
      Type: 'Map',
      Items: '{% $states.input %}',
      ItemProcessor: { ProcessorConfig: { Mode: 'INLINE' }, StartAt: 'One', States: states },
      End: true,
      ...fields,
    },
  },
});

test('a Map runs its states for every item and keeps the order', async () => {
  const waits = { Type: 'Wait', Seconds: '{% $states.input %}', Output: '{% $states.input * 10 %}', End: true };
  const execution = await run(startEngine(), map({ One: waits }), [3, 1]);
  expect(output(execution)).toEqual([30, 10]);
  expect(seconds(execution).at(-1)).toBe(3);
  expect(types(execution)).toEqual([
    'ExecutionStarted',
    'MapStateEntered',
    'MapStateStarted',
    'MapIterationStarted',
    'MapIterationStarted',
    'WaitStateEntered',
    'WaitStateEntered',
    'WaitStateExited',
    'MapIterationSucceeded',
    'WaitStateExited',
    'MapIterationSucceeded',
    'MapStateSucceeded',
    'MapStateExited',
    'ExecutionSucceeded',
  ]);
});

test('MaxConcurrency holds iterations back', async () => {
  const waits = { Type: 'Wait', Seconds: '{% $states.input %}', End: true };
  const execution = await run(startEngine(), map({ One: waits }, { MaxConcurrency: 1 }), [3, 1]);
  expect(seconds(execution).at(-1)).toBe(4);
});

test('an iteration sees its item, its index and the variables around, and keeps its own', async () => {
  const { Each } = map(
    {
      One: { Type: 'Pass', Assign: { mine: '{% $states.input.index & $outer %}' }, Next: 'Two' },
      Two: { Type: 'Pass', Output: '{% $mine %}', End: true },
    },
    { ItemSelector: { index: '{% $states.context.Map.Item.Index %}', value: '{% $states.context.Map.Item.Value %}' } },
  ).States;
  const execution = await run(
    startEngine(),
    { StartAt: 'Set', States: { Set: { Type: 'Pass', Assign: { outer: 'x' }, Next: 'Each' }, Each } },
    ['a', 'b'],
  );
  expect(output(execution)).toEqual(['0x', '1x']);
});

test('the first failed iteration ends the others and the Map', async () => {
  const states = {
    One: { Type: 'Wait', Seconds: '{% $states.input %}', Next: 'Two' },
    Two: { Type: 'Fail', Error: 'No' },
  };
  const execution = await run(startEngine(), map(states), [1, 500]);
  expect([execution.status, execution.error, seconds(execution).at(-1)]).toEqual(['FAILED', 'No', 1]);
  expect(types(execution).slice(-5)).toEqual([
    'FailStateEntered',
    'MapIterationFailed',
    'MapIterationAborted',
    'MapStateFailed',
    'ExecutionFailed',
  ]);
});

test('a failed Map can be caught, and a Map over an empty array succeeds', async () => {
  const states = { One: { Type: 'Fail', Error: 'No' } };
  const { Each } = map(states, { Catch: [{ ErrorEquals: ['No'], Next: 'End' }] }).States;
  const machine = { StartAt: 'Each', States: { Each, End: { Type: 'Succeed', Output: 'caught' } } };
  const world = startEngine();
  expect(output(await run(world, machine, [1]))).toBe('caught');
  expect(output(await run(startEngine(), machine, []))).toEqual([]);
});
