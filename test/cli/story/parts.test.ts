import { expect, test } from 'vitest';
import * as z from 'zod';
import { isProof } from '../../../cli/story/parts.ts';
import { readDefinition, STATE_MACHINES } from '../../../state-machines/definitions.ts';

const Asks = z.object({ Arguments: z.object({ Payload: z.object({ step: z.string(), phase: z.string() }) }) });

/** `phase step` of every Task that runs a document on nodes or reads its answers, without the numbers of the step. */
function asked(machine: string): string[] {
  const { States } = z.object({ States: z.record(z.string(), z.unknown()) }).parse(JSON.parse(readDefinition(machine)));
  return Object.values(States).flatMap((state) => {
    const found = Asks.safeParse(state);
    if (!found.success) return [];
    const { phase, step } = found.data.Arguments.Payload;
    return [`${phase} ${step.replace(/^\{% '/, '').replace(/(?<=-)('|\d).*$/, '1')}`];
  });
}

test('every step that validates nodes counts as a proof in the audit, and no other step does', () => {
  const steps = [...new Set(STATE_MACHINES.flatMap(asked))].sort();
  expect(steps).toEqual([
    'clean clean-1',
    'prepare newcomers-1',
    'prepare prepare-1',
    'validate canary-1',
    'validate compliance-1',
    'validate finish-1',
    'validate proof-1',
    'validate survey-1',
    'validate validate-1',
  ]);
  for (const each of steps) {
    const [phase, step = ''] = each.split(' ');
    expect({ step, proof: isProof(step) }).toEqual({ step, proof: phase === 'validate' });
  }
});
