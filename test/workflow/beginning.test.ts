import { describe, expect, it } from 'vitest';
import { changes, type Ended } from './run.ts';
import { startedWorkflow } from './shared.ts';
import { CLUSTER, REQUEST, worldOf } from './worlds.ts';

const NEW = { ...REQUEST, awaitActive: true };
const workflow = await startedWorkflow();

/** Minutes from the execution's start until it entered a state for the first time. */
function minutesUntil({ history }: Ended, state: string): number | null {
  const entered = history.find(({ stateEnteredEventDetails }) => stateEnteredEventDetails?.name === state);
  const [started] = history;
  if (!entered?.timestamp || !started?.timestamp) return null;
  return Math.floor((entered.timestamp.getTime() - started.timestamp.getTime()) / 60_000);
}

describe('a cluster that EKS is still creating', () => {
  const creating = { status: 'CREATING', activeAfter: 11.5 * 60 };
  const addon = { ...CLUSTER.addon, status: 'CREATING', activeAfter: 14.5 * 60 };

  it('is waited for, and so is its add-on; without a worker node it is migrated at once', async () => {
    const ended = await workflow.migrate(worldOf({ ...creating, addon, nodeGroups: [] }), NEW);
    expect(ended.status).toBe('SUCCEEDED');
    expect(ended.output).toMatchObject({ ending: 'migrated' });
    expect(minutesUntil(ended, 'DescribeAddon')).toBe(12);
    expect(minutesUntil(ended, 'InspectCluster')).toBe(15);
    expect(ended.path).not.toContain('AwaitWindow');
    expect(ended.cluster.configMap).toEqual({ mode: 'ipvs', scheduler: 'rr' });
    expect(ended.path.length).toBeLessThanOrEqual(100);
  });

  it('that has worker nodes when it is ACTIVE is migrated in its window', async () => {
    const ended = await workflow.migrate(worldOf({ ...creating, addon }), NEW);
    expect(ended.status).toBe('SUCCEEDED');
    expect(ended.path).toContain('AwaitWindow');
    const update = ended.history.find(({ stateEnteredEventDetails: to }) => to?.name === 'UpdateAddon');
    // 02:00 on Saturday in New York.
    expect(update?.timestamp?.toISOString().slice(0, 13)).toBe('2026-11-21T07');
    expect(ended.cluster.nodes.map(({ runningMode }) => runningMode)).toEqual(['ipvs', 'ipvs', 'ipvs']);
  });

  it('is refused by name when kube-proxy does not become an add-on within a quarter of an hour', async () => {
    const ended = await workflow.migrate(worldOf({ ...creating, addon: null }), NEW);
    expect(ended.error).toBe('PreflightRefused');
    expect(ended.cause).toMatch(/kube-proxy is not an EKS add-on of this cluster/);
    expect(minutesUntil(ended, 'InspectCluster')).toBe(27);
    expect(changes(ended.calls).filter((change) => !/AccessEntry|AccessPolicy|Schedule/.test(change))).toEqual([]);
  });

  it('ends as ClusterNotActive, recorded, when it is not ACTIVE after an hour', async () => {
    const rested = await workflow.migrateAndRest(worldOf({ status: 'CREATING' }), NEW);
    expect(rested.error).toBe('ClusterNotActive');
    expect(rested.cause).toMatch(/^Cluster demo is CREATING after an hour\./);
    expect(minutesUntil(rested, 'ClusterNotActive')).toBe(60);
    expect(rested.said).toEqual([{ event: 'nightshift.MigrationFailed', execution: 'test', ending: 'failed' }]);
    expect(changes(rested.calls)).toEqual([]);
  });

  it('ends as ClusterNotActive at once if its creation fails', async () => {
    const ended = await workflow.migrate(worldOf({ status: 'FAILED' }), NEW);
    expect(ended.error).toBe('ClusterNotActive');
    expect(ended.cause).toMatch(/^Cluster demo is FAILED\./);
    expect(minutesUntil(ended, 'ClusterNotActive')).toBe(0);
  });

  it('that is deleted meanwhile ends as UnknownCluster', async () => {
    const ended = await workflow.migrate(worldOf({}), { ...NEW, cluster: 'gone' });
    expect([ended.error, ended.path.at(1)]).toEqual(['UnknownCluster', 'ChooseBeginning']);
    expect(ended.cause).toMatch(/gone/);
  });
});

describe('an execution with `notBefore`', () => {
  it('begins at that moment', async () => {
    const ended = await workflow.migrate(worldOf({}), { ...REQUEST, notBefore: '2026-11-20T22:20:00Z' });
    expect(ended.status).toBe('SUCCEEDED');
    expect(minutesUntil(ended, 'InspectCluster')).toBe(20);
  });

  it.each([
    ['2026-11-20T22:20:00.123456Z', 20],
    ['2026-11-20T22:20:00.5Z', 20],
    ['2026-11-20T22:20:00.000000000Z', 20],
    ['2026-11-22T00:00:00Z', 26 * 60],
    ['1999-12-31T23:59:59Z', 0],
  ])('obeys every moment that a request may have: %s', async (notBefore, minutes) => {
    const ended = await workflow.migrate(worldOf({}), { ...REQUEST, notBefore });
    expect(ended.status).toBe('SUCCEEDED');
    expect(minutesUntil(ended, 'InspectCluster')).toBe(minutes);
  });

  it.each(['2100-01-01T00:00:00Z', '9999-12-31T23:59:59Z', '2027-11-20T22:00:00Z'])(
    'refuses a moment after its own time limit, before anything starts: %s',
    async (notBefore) => {
      const ended = await workflow.migrate(worldOf({}), { ...REQUEST, notBefore });
      expect(ended.error).toBe('InvalidRequest');
      expect(ended.cause).toMatch(/^notBefore must be at most 300 days after the start/);
      expect(ended.path).not.toContain('InspectCluster');
      expect(changes(ended.calls)).toEqual([]);
    },
  );

  it.each(['tomorrow', '2026-11-20T22:20Z', '2026-11-20T22:20:00', '2026-02-30T00:00:00Z', 7, null])(
    'refuses an invalid moment by name: %j',
    async (notBefore) => {
      const ended = await workflow.migrate(worldOf({}), { ...REQUEST, notBefore });
      expect(ended.error).toBe('InvalidRequest');
      expect(ended.cause).toMatch(/^notBefore must be a moment in UTC/);
    },
  );

  it.each([
    [{ ...REQUEST, cluster: ['demo'], awaitActive: true }, /^cluster must be/],
    [{ ...REQUEST, cluster: '$(reboot)', awaitActive: true }, /^cluster must be/],
    [{ ...REQUEST, awaitActive: 'yes' }, /^awaitActive must be true/],
  ])('or not as it was asked is refused by name: %j', async (request, cause) => {
    const ended = await workflow.migrate(worldOf({}), request);
    expect(ended.error).toBe('InvalidRequest');
    expect(ended.cause).toMatch(cause);
  });
});

describe('data that is too large for a state machine', () => {
  it.each([262_144, 1_048_576])('a configuration of %i bytes is refused before anything is written', async (size) => {
    const configuration = JSON.stringify({ podAnnotations: { note: 'x'.repeat(size) } });
    const ended = await workflow.migrate(worldOf({ addon: { ...CLUSTER.addon, configuration } }), REQUEST);
    expect(ended.error).toBe('PreflightRefused');
    expect(ended.cause).toMatch(/The configuration values have \d+ characters: too many to be kept for a rollback/);
    expect(changes(ended.calls)).toEqual([]);
  });

  it('an input of nearly 256 KiB is refused by name', async () => {
    const request = { ...REQUEST, requestedBy: 'x'.repeat(261_900) };
    const ended = await workflow.migrate(worldOf({}), request);
    expect(ended.error).toBe('InvalidRequest');
    expect(ended.cause).toMatch(/^The request must be a JSON object, but it is "an input of \d+ characters/);
    expect(changes(ended.calls)).toEqual([]);
  });
});
