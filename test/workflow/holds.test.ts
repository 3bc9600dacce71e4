import { describe, expect, it } from 'vitest';
import { failing } from './scenarios.ts';
import { startedWorkflow } from './shared.ts';
import { REQUEST, WEEKEND, worldOf } from './worlds.ts';

const CLUSTER = '/nightshift/holds/clusters/demo';
const ALL = '/nightshift/holds/all';
const BY = 'arn:aws:iam::111122223333:user/me';

const value = (until: string | null, reason = 'INC-4711') =>
  JSON.stringify({ reason, by: BY, since: '2026-11-20T00:00:00.000Z', until });
const hold = (at: string | null, name = CLUSTER, until: string | null = null) => ({
  ...(at !== null && { at }),
  ...{ other: 'put-parameter', cluster: 'demo', name, value: value(until) },
});
const release = (at: string, visit: number, name = CLUSTER) => ({
  ...{ at, visit, other: 'delete-parameter', cluster: 'demo', name },
});

const workflow = await startedWorkflow();
const world = () => worldOf({}, { windows: { weekend: WEEKEND } });
const run = (faults: object[], request: object = REQUEST) => workflow.migrateAndRest(world(), request, faults);

const visits = (path: readonly string[], state: string) => path.filter((each) => each === state).length;
const writes = ({ calls }: Awaited<ReturnType<typeof run>>) =>
  calls
    .filter(({ principal }) => principal !== 'other')
    .map(({ operation }) => operation)
    .filter((operation) => /^(UpdateAddon|CreateAddon|SendCommand|patch daemonsets|delete pods)$/.test(operation));

describe('a hold of the cluster', () => {
  it('keeps a migration waiting, window after window, until it is released', async () => {
    const rested = await run([hold(null), release('AwaitWindow', 3)]);
    expect([rested.status, rested.output]).toMatchObject(['SUCCEEDED', { ending: 'migrated' }]);
    expect(visits(rested.path, 'AwaitWindow')).toBe(3);
    const [sent] = rested.calls.filter(({ operation }) => operation === 'UpdateAddon');
    expect(sent?.at.slice(0, 10)).toBe('2026-12-05');
    expect(JSON.stringify(rested.history)).toContain(
      `the cluster is on hold until the hold is released (INC-4711; held by ${BY})`,
    );
  });

  it('that ends inside the window lets the migration begin then', async () => {
    const rested = await run([hold(null, CLUSTER, '2026-11-21T08:00:00.000Z')]);
    expect([rested.status, rested.output]).toMatchObject(['SUCCEEDED', { ending: 'migrated' }]);
    const [sent] = rested.calls.filter(({ operation }) => operation === 'SendCommand');
    expect(sent?.at.slice(0, 13)).toBe('2026-11-21T08');
  });

  it('ends the migration by its name after six windows, and nothing was written', async () => {
    const rested = await run([hold(null)]);
    expect([rested.status, rested.error]).toEqual(['FAILED', 'OnHold']);
    expect(rested.cause).toContain(
      `Six windows passed before the change could begin, the last one because the cluster is on hold until the hold is released (INC-4711; held by ${BY}).`,
    );
    expect(writes(rested)).toEqual([]);
    expect(rested.state.schedules).toEqual([]);
  });

  it('that comes while the nodes are prepared keeps the change from being sent', async () => {
    const rested = await run([hold('CollectPreparation'), release('AwaitWindow', 2)]);
    expect(rested.output).toMatchObject({ ending: 'migrated' });
    const [sent] = rested.calls.filter(({ operation }) => operation === 'UpdateAddon');
    expect(sent?.at.slice(0, 10)).toBe('2026-11-28');
  });

  it('that comes with the update restores the configuration, and no node was restarted', async () => {
    const rested = await run([hold('UpdateAddon')]);
    expect([rested.status, rested.error]).toEqual(['FAILED', 'RolledBack']);
    expect(rested.cause).toContain(
      'OnHold: The window closed before kube-proxy was restarted on any node: the cluster',
    );
    expect(writes(rested)).not.toContain('delete pods');
    expect(writes(rested)).not.toContain('patch daemonsets');
    expect(rested.cluster.addon?.configurationValues).toBe('{"resources":{"requests":{"cpu":"150m"}}}');
  });

  it('that comes between canary and restart restores the canary alone, although it is in force', async () => {
    const rested = await run([hold('CheckWindowBeforeRestart')]);
    expect([rested.status, rested.error]).toEqual(['FAILED', 'RolledBack']);
    expect(rested.cause).toContain('OnHold');
    expect(writes(rested)).not.toContain('patch daemonsets');
    expect(rested.cluster.nodes.map(({ runningMode }) => runningMode)).toEqual(['iptables', 'iptables', 'iptables']);
  });

  it('that comes after the restart has begun changes nothing', async () => {
    const rested = await run([hold('RestartDaemonSet')]);
    expect([rested.status, rested.output]).toMatchObject(['SUCCEEDED', { ending: 'migrated' }]);
  });

  it('stops no recovery of a migration that is aborted', async () => {
    const rested = await run([hold('UpdateAddon'), { at: 'AwaitAddon', execution: 'abort' }]);
    expect(rested.executions.map(({ machine, status }) => `${machine} ${status}`)).toEqual([
      'nightshift-migrate-cluster ABORTED',
      'nightshift-rollback-cluster SUCCEEDED',
    ]);
    expect(rested.cluster.addon?.configurationValues).toBe('{"resources":{"requests":{"cpu":"150m"}}}');
  });

  it('ends a migration that was started with --now, before it has written anything', async () => {
    const { window: _, ...request } = REQUEST;
    const rested = await run([hold(null)], { ...request, now: { reason: 'CHG-1' } });
    expect([rested.status, rested.error]).toEqual(['FAILED', 'OnHold']);
    expect(writes(rested)).toEqual([]);
  });
});

describe('a hold of all clusters', () => {
  it('holds each of them', async () => {
    const rested = await run([hold(null, ALL), release('AwaitWindow', 2, ALL)]);
    expect(rested.output).toMatchObject({ ending: 'migrated' });
    expect(visits(rested.path, 'AwaitWindow')).toBe(2);
  });
});

describe('holds that cannot be read', () => {
  const denied = (at: string) => ({ ...failing('ssm', 'GetParameters', 'AccessDeniedException', 'every'), at });

  it('end the migration before its change', async () => {
    const rested = await run([denied('DecideWindow')]);
    expect([rested.status, rested.error]).toEqual(['FAILED', 'ServiceFailed']);
    expect(writes(rested)).toEqual([]);
  });

  it('roll the change back, if it was sent', async () => {
    const rested = await run([denied('CheckWindowBeforeCanary')]);
    expect([rested.status, rested.error]).toEqual(['FAILED', 'RolledBack']);
    expect(rested.cluster.nodes.map(({ runningMode }) => runningMode)).toEqual(['iptables', 'iptables', 'iptables']);
  });
});
