import { expect, test } from 'vitest';
import { PHASES, phaseOf } from '../../cli/phases.ts';
import { readDefinition } from '../../state-machines/definitions.ts';

const STATES: Record<string, { Type: string }> = JSON.parse(readDefinition('migrate-cluster')).States;

test('every state that takes time belongs to a phase that people can follow', () => {
  const timed = Object.keys(STATES).filter((name) =>
    ['Task', 'Wait', 'Map', 'Parallel'].includes(STATES[name]?.Type ?? ''),
  );
  expect(timed.filter((name) => phaseOf(name) === null)).toEqual([]);
});

test('every state of a phase is in the workflow', () => {
  const named = PHASES.flatMap((phase): readonly string[] => phase.states);
  expect(named.filter((name) => !(name in STATES))).toEqual([]);
});
