import { expect, it } from 'vitest';
import { startedWorkflow } from './shared.ts';
import { worldOf } from './worlds.ts';

const workflow = await startedWorkflow();

it('chains of iptables mode are removed in IPVS mode, although no REJECT rule is left to name them', async () => {
  const rested = await workflow.migrateAndRest(worldOf({ servicesWithoutEndpoints: 0 }));
  expect(rested.output).toMatchObject({ ending: 'migrated' });
  expect(rested.path.filter((state) => state === 'CleanNodes')).toHaveLength(1);
  const cleaned = rested.calls.flatMap(({ operation, input }) =>
    operation === 'SendCommand' && JSON.stringify(input).includes('nightshift-clean-node') ? [input] : [],
  );
  expect(cleaned).toMatchObject([{ Parameters: { Mode: ['ipvs'] } }]);
});
