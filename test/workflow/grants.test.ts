import type { HistoryEvent } from '@aws-sdk/client-sfn';
import type { ApiCall } from '@nightshift/sandbox';
import { describe, expect, test } from 'vitest';
import { MIGRATED } from './scenarios.ts';
import { startedWorkflow } from './shared.ts';
import { endingOf, expectWhole } from './whole.ts';
import { REQUEST, worldOf } from './worlds.ts';

const workflow = await startedWorkflow();

const refusals = (calls: readonly ApiCall[]) =>
  calls.filter(({ service, error }) => service === 'kubernetes' && error === 'Forbidden');
/** What the policies that the workflow grants do not show at all. */
const NEVER_GRANTED = ['list nodes', 'list securitygrouppolicies'];
const granted = (calls: readonly ApiCall[]) =>
  refusals(calls).filter(({ operation }) => !NEVER_GRANTED.includes(operation));
const outputs = (history: readonly HistoryEvent[]) =>
  history.map(({ taskSucceededEventDetails: task }) => task?.output ?? '').join('\n');

describe('a grant that takes seconds', () => {
  test.each([
    ['by default', {}],
    ['half a minute', { latencies: { grant: 30 } }],
    ['more than a minute', { latencies: { grant: 75 } }],
  ])('%s, is waited for', async (_, more) => {
    let refused = 0;
    for (const seed of [1, 2, 3]) {
      const rested = await workflow.migrateAndRest(worldOf({}, { seed, ...more }));
      expect(endingOf(rested)).toBe(MIGRATED);
      expectWhole(rested);
      refused += granted(rested.calls).length;
      // Whatever the policies show was read in the end.
      expect(outputs(rested.history)).not.toMatch(
        /(DaemonSets|addresses of Services|kube-proxy-config[^"]*) cannot be read/,
      );
    }
    expect(refused).toBeGreaterThan(0);
  });

  test('meets the same refusals again for the same seed', async () => {
    const run = async () => {
      const { calls } = await workflow.migrateAndRest(worldOf({}, { seed: 5 }));
      return [...new Set(granted(calls).map(({ at, operation }) => `${at} ${operation}`))].sort();
    };
    expect(await run()).toEqual(await run());
  });

  test.each(['list daemonsets', 'list services', 'get configmaps'])(
    'that never takes effect for %s ends the migration by name before the change',
    async (operation) => {
      const never = { on: { service: 'kubernetes', operation }, error: 'Forbidden', times: 'every' };
      const rested = await workflow.migrateAndRest(worldOf({}), REQUEST, [never]);
      expect(endingOf(rested)).toBe('FAILED KubernetesForbidden failed iptables');
      expectWhole(rested);
    },
  );
});
