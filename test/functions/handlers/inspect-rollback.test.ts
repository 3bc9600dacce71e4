import { describe, expect, test } from 'vitest';
import type { ClusterSnapshot } from '../../../functions/core/preflight/snapshot.ts';
import { shortDigest } from '../../../functions/core/values/digest.ts';
import { inspectRollback } from '../../../functions/handlers/inspect-rollback.ts';
import { addon, CONFIG_MAP, cluster } from '../core/fixtures.ts';
import { common, execution, FakeKubernetes, MemoryStore, RecordedLog, values } from './fakes.ts';
import { instance } from './nodes.ts';

const OWN = {
  name: 'recover-demo-1',
  arn: execution.arn.replace('migrate-cluster:demo-1', 'rollback-cluster:recover-demo-1'),
};
const request = { mode: 'recover' as const, cluster: 'demo', execution, reason: 'why', attempt: 1 };
const input = {
  ...common,
  execution: OWN,
  step: 'look-1',
  owner: execution,
  cluster: 'demo',
  request,
  kubernetes: false,
};
const FORMER = 'executions/demo-1/former.json';
const saved = {
  request: { cluster: 'demo', target: { mode: 'ipvs', scheduler: 'rr' }, acknowledge: [] },
  cluster: { name: 'demo', serviceCidr: '10.100.0.0/16' },
  addon: { version: 'v1.34.1-eksbuild.2', configuration: 'mode: iptables\n' },
  plan: { strategy: 'pod-annotations', way: 'addon', configuration: '{"mode":"ipvs"}' },
  inventory: { key: 'executions/demo-1/inspect-1/inventory.ndjson.gz' },
  configMap: null,
  execution,
};
const TARGET = '{"mode":"ipvs","ipvs":{"scheduler":"rr"}}';

async function looking(
  former: unknown,
  snapshot: Partial<ClusterSnapshot> = addon({ configuration: TARGET }),
  { store = new MemoryStore(), history = [] }: { store?: MemoryStore; history?: string[] } = {},
) {
  if (former !== null) await store.put(FORMER, JSON.stringify(former));
  const api = new FakeKubernetes();
  const asked: string[] = [];
  const run = inspectRollback({
    store,
    eks: {
      async snapshot(name) {
        asked.push(`eks ${name}`);
        return { ...cluster(), ...snapshot, name: 'demo' };
      },
      fargateProfiles: async () => 0,
    },
    ec2: { nodes: async () => [instance('i-1')] },
    ssm: { managedNodes: async () => [] },
    async openKubernetes({ name }) {
      asked.push(`kubernetes ${name}`);
      return api;
    },
    history: async (arn) => {
      asked.push(`history ${arn}`);
      return history;
    },
  });
  return { run, store, api, asked };
}

test('an execution that saved nothing has nothing to roll back, and no service is asked', async () => {
  const { run, asked } = await looking(null);
  expect(await run(input, new RecordedLog())).toEqual({
    plan: {
      kind: 'nothing',
      reasons: ['Execution demo-1 saved no former state: it had not begun to change anything.'],
    },
    ownerEnding: null,
    lease: 'nightshift-demo',
    next: {
      name: 'recover2-demo-1',
      input: {
        ...request,
        attempt: 2,
        previous: OWN,
        reason: 'The schedule of the lease fired: nobody released the lease of recover-demo-1',
      },
    },
    needsKubernetes: false,
    former: null,
    target: null,
    cluster: null,
    addon: null,
    way: null,
    strategy: null,
    inventory: null,
    atTarget: false,
    atFormer: false,
    standingProvable: false,
    updateInFlight: false,
    estimateSeconds: null,
  });
  expect(asked).toEqual([]);
});

test('what was saved is what goes back; a node whose agent is gone does not stop it', async () => {
  const { run, store, asked } = await looking(saved);
  const output = await run(input, new RecordedLog());
  expect(output).toMatchObject({
    plan: {
      kind: 'rollback',
      reasons: [
        'Execution demo-1 began to change kube-proxy from iptables to ipvs (rr).',
        'It is configured for ipvs (rr).',
      ],
    },
    needsKubernetes: false,
    former: {
      configuration: 'mode: iptables\n',
      proxying: { mode: 'iptables' },
      configMap: null,
      addon: { version: 'v1.34.1-eksbuild.2' },
    },
    target: { mode: 'ipvs', scheduler: 'rr' },
    atTarget: true,
    atFormer: false,
    way: 'addon',
    strategy: 'pod-annotations',
    cluster: { name: 'demo', lease: 'nightshift-demo', recovery: 'recover-recover-demo-1' },
    inventory: { key: 'rollbacks/recover-demo-1/look-1/inventory.ndjson.gz', counts: { blocked: 1 } },
  });
  expect(values((await store.get('rollbacks/recover-demo-1/look-1/inventory.ndjson.gz')).text)).toMatchObject([
    { id: 'i-1' },
  ]);
  expect(asked).toEqual(['eks demo']);
});

test('where the ConfigMap was the way, Kubernetes says how it stands', async () => {
  const former = { ...saved, addon: null, plan: { ...saved.plan, way: 'config-map' }, configMap: CONFIG_MAP };
  const { run } = await looking(former, { addon: null });
  expect(await run(input, new RecordedLog())).toMatchObject({ needsKubernetes: true, atFormer: false });
  expect(await run({ ...input, kubernetes: true }, new RecordedLog())).toMatchObject({
    former: { configMap: CONFIG_MAP, addon: null, proxying: { mode: 'iptables' } },
    atFormer: true,
    atTarget: false,
  });
});

test('what an execution did to another cluster is not undone here', async () => {
  const { run, asked } = await looking({ ...saved, cluster: { name: 'other', serviceCidr: '10.100.0.0/16' } });
  await expect(run(input, new RecordedLog())).rejects.toMatchObject({
    name: 'InvalidRequest',
    message: 'Execution demo-1 changed the cluster other, not demo.',
  });
  expect(asked).toEqual([]);
});

test('a saved state that cannot be read is EvidenceMissing, never nothing to roll back', async () => {
  const { run } = await looking({ ...saved, plan: {} });
  await expect(run(input, new RecordedLog())).rejects.toMatchObject({ name: 'EvidenceMissing' });
});

test("where a person's rollback is recovered, its own missing end counts, and not the end of the migration", async () => {
  const { run, store } = await looking(saved);
  await store.put('executions/demo-1/outcome.json', '{"ending":"migrated"}');
  const after = { name: 'rollback-by-hand', arn: OWN.arn.replace('recover-demo-1', 'rollback-by-hand') };
  const recovering = { ...input, request: { ...request, after } };
  expect(await run(input, new RecordedLog())).toMatchObject({ ownerEnding: 'migrated' });
  expect(await run(recovering, new RecordedLog())).toMatchObject({
    ownerEnding: null,
    plan: { kind: 'rollback' },
    next: { name: `recover2-rollback-by-hand-${shortDigest(after.arn)}`, input: { execution, after, previous: OWN } },
  });
});

describe('a bucket that cannot be read', () => {
  class SilentStore extends MemoryStore {
    override async find(): Promise<never> {
      throw new Error('ServiceUnavailable');
    }
  }
  const asked = { ...request, mode: 'rollback' as const };
  const of = (type: string, more: object) => JSON.stringify({ type, ...more });
  const entered = of('TaskStateEntered', { stateEnteredEventDetails: { name: 'SaveFormer' } });
  const scheduled = of('TaskScheduled', {
    taskScheduledEventDetails: { parameters: JSON.stringify({ Bucket: 'evidence', Body: saved }) },
  });
  const succeeded = of('TaskSucceeded', { taskSucceededEventDetails: { resource: 'putObject' } });
  const next = of('TaskStateEntered', { stateEnteredEventDetails: { name: 'UpdateAddon' } });
  const look = (history: string[]) => looking(null, undefined, { store: new SilentStore(), history });

  test('is an error if the history does not show that the former state was saved', async () => {
    const { run } = await look([entered, scheduled, next, succeeded]);
    await expect(run({ ...input, request: asked }, new RecordedLog())).rejects.toThrow('ServiceUnavailable');
  });

  test('lets a recovery go on if the owner did not come to record its ending, and not if it did', async () => {
    const { run } = await look([entered, scheduled, succeeded]);
    expect(await run(input, new RecordedLog())).toMatchObject({ ownerEnding: null, plan: { kind: 'rollback' } });
    const proven = await look([
      entered,
      scheduled,
      succeeded,
      of('TaskStateEntered', { stateEnteredEventDetails: { name: 'RecordOutcome' } }),
      of('TaskScheduled', {
        taskScheduledEventDetails: { parameters: JSON.stringify({ Payload: { ending: 'migrated' } }) },
      }),
    ]);
    expect(await proven.run(input, new RecordedLog())).toMatchObject({ ownerEnding: 'migrated' });
  });
});
