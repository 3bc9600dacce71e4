import { expect, test } from 'vitest';
import { run, startEngine } from './machine.ts';

const CHILDREN = 1_000;
/** Ten times a Pass, and a Task that calls a function. */
const PAIRS = 10;

function states(): Record<string, unknown> {
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

test('a Map Run of 1,000 children with 20 states each keeps small histories, and the parent’s does not grow', async () => {
  const world = startEngine({
    functionSeconds: 1,
    invokeFunction: async (_name, payload) => ({ payload }),
  });
  const Each = {
    Type: 'Map',
    Label: 'Clusters',
    Items: "{% $map([1..$states.input], function($n) { { 'cluster': 'c-' & $n } }) %}",
    ItemProcessor: {
      ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
      StartAt: 'Note0',
      States: states(),
    },
    Output: '{% $count($states.result) %}',
    End: true,
  };
  const parent = await run(world, { StartAt: 'Each', States: { Each } }, CHILDREN);
  expect([parent.status, parent.output?.text]).toEqual(['SUCCEEDED', '1000']);
  expect(parent.history).toHaveLength(8);
  const [mapRun] = world.engine.mapRuns.values();
  const children = mapRun?.children ?? [];
  expect(children).toHaveLength(1_000);
  // 2 of the execution, 2 for each Pass, 5 for each Task.
  expect(children.reduce((sum, { history }) => sum + history.length, 0)).toBe(72_000);
  // As JSON the histories have some 16 MB.
  expect(children.reduce((sum, { bytesHeld }) => sum + bytesHeld, 0)).toBeLessThan(3_000_000);
  // All of them run at once: it takes as long as one.
  expect(world.clock.now()).toEqual(new Date('2026-11-21T22:00:10Z'));
  expect(world.bugs).toEqual([]);
});
