import { describe, expect, test } from 'vitest';
import { machineOf, PHASES, phaseOf } from '../../../cli/story/phases.ts';
import { readDefinition } from '../../../state-machines/definitions.ts';

describe.each(['migrate-cluster', 'rollback-cluster'] as const)('the phases of %s', (machine) => {
  const states: Record<string, { Type: string }> = JSON.parse(readDefinition(machine)).States;

  test('have every state that takes time', () => {
    const timed = Object.keys(states).filter((name) =>
      ['Task', 'Wait', 'Map', 'Parallel'].includes(states[name]?.Type ?? ''),
    );
    expect(timed.filter((name) => phaseOf(name, machine) === null)).toEqual([]);
  });

  test('have no state that is not in the workflow', () => {
    const named = PHASES[machine].flatMap((phase): readonly string[] => phase.states);
    expect(named.filter((name) => !(name in states))).toEqual([]);
  });
});

test.each([
  ['migrate-cluster', 'migrate-cluster'],
  ['rollback-cluster', 'rollback-cluster'],
  ['blue-rollback-cluster', 'rollback-cluster'],
])('an execution of %s is one of %s', (name, machine) => {
  expect(machineOf(name)).toBe(machine);
});
