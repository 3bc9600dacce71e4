import { describe, expect, it } from 'vitest';
import type { Workflow } from './run.ts';
import { endingOf, expectWhole } from './whole.ts';
import { CLUSTER, REQUEST, WEEKEND, worldOf } from './worlds.ts';

/** `ending`: status, error and ending of the execution, and the mode that all nodes run then. */
export type Scenario = [name: string, faults: object[], ending: string, cluster?: object, request?: object];

export const MIGRATED = 'SUCCEEDED migrated ipvs';
export const ROLLED_BACK = 'FAILED RolledBack rolled-back iptables';
export const ROLLBACK_FAILED = 'FAILED RollbackFailed rollback-failed iptables';

type Times = number | 'every';

export const failing = (service: string, operation: string, error = 'ThrottlingException', times: Times = 3) => ({
  on: { service, operation },
  error,
  times,
});
export const lost = (service: string, operation: string) => ({ on: { service, operation }, lostReply: true });
/** An invocation of one function whose answer is lost, so that it is done twice. */
export const twice = (name: string, times = 1) => ({ on: invoking(name), lostReply: true, times });
export const invoking = (name: string) => ({ service: 'lambda', operation: 'Invoke', function: `nightshift-${name}` });

/** Each answer of this function comes two minutes late from this state on: Tasks that wait for 60 seconds time out. */
export const late = (state: string, name: string, more: object = {}) => ({
  at: state,
  on: invoking(name),
  late: 120,
  times: 'every',
  ...more,
});

/** What befalls a node, at once. */
export const on = (node: number | 'any', fault: string, more: object = {}) => ({ node, fault, ...more });
/** What befalls a node when a state is entered. */
export const at = (state: string, node: number | 'any', fault: string, more: object = {}) => ({
  at: state,
  node,
  fault,
  ...more,
});
export const offline = (state: string, node: number | 'any', seconds?: number) =>
  at(state, node, 'agent-offline', seconds === undefined ? {} : { for: seconds });
/** kube-proxy on node 1 does not start in this mode. */
export const crash = (state: string, mode: string, times: Times = 1) =>
  at(state, 1, 'kube-proxy-crash', { mode, times });
export const garbage = (state: string, document: string, more: object = {}) =>
  at(state, 1, 'output-garbage', { document: `${document}-node`, ...more });
export const terminated = (state: string, node: number | 'any' = 1) => at(state, node, 'terminated');
export const joins = (state: string, more: object = {}) => ({ at: state, join: { os: 'al2023', count: 1, ...more } });
/** On all three nodes: whichever is the canary. */
export const each = (fault: (node: number) => object) => [0, 1, 2].map(fault);
/** How an update of the add-on ends. */
export const update = (addonUpdate: 'Failed' | 'Cancelled' | 'Degraded', more: object = {}) => ({
  addonUpdate,
  ...(addonUpdate === 'Failed' && { code: 'ConfigurationConflict' }),
  ...(addonUpdate === 'Degraded' && { code: 'InsufficientNumberOfReplicas' }),
  ...more,
});
/** An update that EKS fails although it has written the ConfigMap. */
export const APPLIED = update('Failed', { applied: true });
export const kubernetes = (how: 'unreachable' | 'forbidden' | 'conflict', times: Times, more: object = {}) => ({
  kubernetes: how,
  times,
  ...more,
});
export const skip = (state: string, hours: number, more: object = {}) => ({ at: state, clock: 'skip', hours, ...more });
export const abort = (state: string, more: object = {}) => ({ at: state, execution: 'abort', ...more });
/** No event tells of any execution's end. */
export const UNHEARD = { events: 'lost', times: 'every' };
/** Where a state of this name is in both state machines. */
export const IN_MIGRATION = { machine: 'nightshift-migrate-cluster' };
export const IN_ROLLBACK = { machine: 'nightshift-rollback-cluster' };
export const again = (state: string) => ({ at: state, execution: 'duplicate' });

/** An hour in which a change has just room. */
export const WINDOWS = { weekend: WEEKEND, narrow: { ...WEEKEND, durationHours: 1, cutoffHours: 0 } };

/** Runs each scenario to the very end of everything that it sets in motion; `from` and `to` are the modes. */
export function play(
  workflow: Workflow,
  title: string,
  scenarios: Scenario[],
  { from = 'iptables', to = REQUEST.target }: { from?: string; to?: { mode: string; scheduler?: string } } = {},
): void {
  describe(title, () => {
    it.each(scenarios)('%s', async (_, faults, ending, cluster = {}, request = {}) => {
      const world = worldOf(cluster, { windows: WINDOWS });
      const rested = await workflow.migrateAndRest(world, { ...REQUEST, target: to, ...request }, faults);
      expect(endingOf(rested), `${rested.cause} ${JSON.stringify(rested.executions)}`).toBe(ending);
      const { addon } = { ...CLUSTER, ...cluster };
      expectWhole(rested, { former: addon?.configuration ?? null, formerMode: from, target: to });
    });
  });
}
