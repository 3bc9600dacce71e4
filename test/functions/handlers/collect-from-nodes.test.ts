import { expect, test } from 'vitest';
import type { NodeResult } from '../../../functions/aws/ssm.ts';
import type { InventoryNode } from '../../../functions/core/nodes/nodes.ts';
import { collectFromNodes } from '../../../functions/handlers/collect-from-nodes.ts';
import { SYNCED } from '../core/fixtures.ts';
import { common, MemoryStore, RecordedLog, values } from './fakes.ts';
import { CLUSTER, node, RR } from './nodes.ts';

const PREPARED = `nightshift-prepare=1
mode=ipvs
kernel=6.1.0
ipvsadm=installed
loaded=ip_vs,ip_vs_rr
builtin=
missing=
scheduler=ok
persisted=ok
probes=ok
foreign-virtual-servers=
syncMicros=41000
connectMicros=unknown
end=nightshift-prepare
`;
const DISPATCH = { key: 'executions/demo-1/prepare-1/dispatch.json.gz' };
const EVIDENCE = 'executions/demo-1/prepare-1/evidence.ndjson.gz';
const input = {
  ...common,
  step: 'prepare-1',
  phase: 'prepare' as const,
  cluster: CLUSTER,
  dispatch: DISPATCH,
  deadline: new Date('2026-11-21T07:20:00Z'),
  poll: 1,
  proxying: RR,
  strict: false,
  acknowledge: [],
  mayAskAgain: false,
};
const succeeded = (id: string, output = PREPARED): NodeResult => ({
  node: id,
  state: 'succeeded',
  status: 'Success',
  output,
});

async function collecting(nodes: InventoryNode[], results: NodeResult[], unknown: string[] = []) {
  const store = new MemoryStore();
  const commands = [{ commandId: 'c-1', nodes: nodes.map(({ id }) => id) }];
  const times = { sentAt: '2026-11-21T07:00:00.000Z', deadline: '2026-11-21T07:20:00.000Z' };
  await store.put(
    DISPATCH.key,
    JSON.stringify({ phase: 'prepare', nodes, limited: false, commands, unknown, ...times }),
  );
  const asked: string[] = [];
  const run = collectFromNodes({
    store,
    ssm: {
      results: async (ids) => {
        asked.push(...ids);
        return results;
      },
    },
  });
  return { store, run, asked };
}

test('when every node is prepared the phase is done and the verdicts lie in S3', async () => {
  const { run, store, asked } = await collecting([node('i-1'), node('i-2')], [succeeded('i-2'), succeeded('i-1')]);
  const output = await run(input, new RecordedLog());
  expect(output).toMatchObject({ pending: 0, passed: 2, failed: 0, done: true, waitSeconds: 0 });
  expect(output.evidence).toMatchObject({ key: EVIDENCE, passed: 2, failed: 0 });
  expect(asked).toEqual(['c-1']);
  expect(values((await store.get(EVIDENCE)).text)).toMatchObject([
    { node: 'i-1', pass: true, excerpt: PREPARED },
    { node: 'i-2', pass: true },
  ]);
});

test('a node that has not answered is waited for, and nothing is written meanwhile', async () => {
  const { run, store } = await collecting(
    [node('i-1'), node('i-2')],
    [succeeded('i-1'), { node: 'i-2', state: 'pending' }],
  );
  expect(await run(input, new RecordedLog())).toEqual({
    pending: 1,
    passed: 1,
    failed: 0,
    done: false,
    waitSeconds: 46,
    leftovers: 0,
    evidence: null,
  });
  expect(store.writes).not.toContain(EVIDENCE);
});

test('a node without an answer at the deadline has failed', async () => {
  const { run, store } = await collecting([node('i-1'), node('i-2')], [succeeded('i-1')]);
  await expect(run({ ...input, now: input.deadline }, new RecordedLog())).rejects.toMatchObject({
    name: 'NodesNotPrepared',
    message:
      '1 of 2 nodes of demo failed to prepare: ip-i-2.ec2.internal (i-2): no answer before the deadline. Evidence: executions/demo-1/prepare-1/evidence.ndjson.gz.',
  });
  expect(values((await store.get(EVIDENCE)).text)).toMatchObject([{ pass: true }, { pass: false }]);
});

test('a failed document fails the node with the line it wrote to stderr', async () => {
  const output = `${PREPARED}\n----------ERROR-------\nkernel 6.1.0 has no module ip_vs_rr: not found\nfailed to run commands: exit status 1`;
  const { run } = await collecting([node('i-1')], [{ node: 'i-1', state: 'failed', status: 'Failed', output }]);
  await expect(run(input, new RecordedLog())).rejects.toMatchObject({
    message: expect.stringContaining('Failed: kernel 6.1.0 has no module ip_vs_rr: not found. Evidence:'),
  });
});

test('five nodes are named, the others counted', async () => {
  const nodes = Array.from({ length: 7 }, (_, index) => node(`i-${index}`));
  const { run } = await collecting(
    nodes,
    [],
    nodes.map(({ id }) => id),
  );
  await expect(run(input, new RecordedLog())).rejects.toMatchObject({
    message: expect.stringMatching(/^7 of 7 nodes .*i-4\): SSM takes no command for this node; and 2 more\. Evidence/),
  });
});

test('a blocked node is never passed over', async () => {
  const { run } = await collecting(
    [node('i-1'), node('i-2', { by: 'blocked', reason: 'no SSM agent' })],
    [succeeded('i-1')],
  );
  await expect(run(input, new RecordedLog())).rejects.toMatchObject({
    message: expect.stringContaining(
      '1 of 2 nodes of demo failed to prepare: ip-i-2.ec2.internal (i-2): no SSM agent.',
    ),
  });
});

test('a dispatch that is gone, or names a node of a kind that nobody knows, is EvidenceMissing', async () => {
  const { run, store } = await collecting([node('i-1')], [succeeded('i-1')]);
  const { text } = await store.get(DISPATCH.key);
  await store.put(DISPATCH.key, text.replace('al2023', 'toaster'));
  await expect(run(input, new RecordedLog())).rejects.toMatchObject({ name: 'EvidenceMissing' });
  store.objects.clear();
  await expect(run(input, new RecordedLog())).rejects.toMatchObject({ name: 'EvidenceMissing' });
});

test('Bottlerocket is proven by its kube-proxy, which says what that is worth', async () => {
  const validate = await collecting([node('i-1', { by: 'proxy-mode', mode: 'ipvs', syncs: SYNCED })], []);
  expect(await validate.run({ ...input, phase: 'validate' }, new RecordedLog())).toMatchObject({
    passed: 1,
    done: true,
  });
  expect(values((await validate.store.get(EVIDENCE)).text)).toMatchObject([
    {
      reasons: [
        "kube-proxy says that it runs ipvs, is healthy, and has written its rules since it started; the node's tables and its scheduler were not read",
      ],
    },
  ]);
});

test.each([
  [null, 'kube-proxy was not asked whether it has written its rules'],
  [{ ...SYNCED, healthz: 'failed' as const }, 'kube-proxy says on /healthz that it is not healthy'],
  [{ ...SYNCED, syncedAt: 1 }, 'kube-proxy has not written its rules since it started'],
])('a Bottlerocket node whose /proxyMode is right fails with %j', async (syncs, reason) => {
  const { run } = await collecting([node('i-1', { by: 'proxy-mode', mode: 'ipvs', syncs })], []);
  await expect(run({ ...input, phase: 'validate' }, new RecordedLog())).rejects.toMatchObject({
    name: 'ValidationFailed',
    message: expect.stringContaining(reason),
  });
});

test.each([
  ['iptables', '/proxyMode says iptables, not ipvs'],
  [null, 'kube-proxy does not answer on /proxyMode'],
])('a Bottlerocket node whose /proxyMode is %s fails', async (mode, reason) => {
  const { run } = await collecting([node('i-1', { by: 'proxy-mode', mode })], []);
  await expect(run({ ...input, phase: 'validate' }, new RecordedLog())).rejects.toMatchObject({
    name: 'ValidationFailed',
    message: expect.stringContaining(reason),
  });
});

const PROVEN = `nightshift-validate=1
kernel=6.1.0
proxyMode=ipvs
kubeIpvs0=present
virtualServers=3
ipsets=6
rejectRules=2
iptablesServices=0
foreignVirtualServers=0
nftTables=0
healthz=ok
startedAt=1795000000.5
syncedAt=1795000003.25
syncFailures=0
syncFailuresLater=0
syncMicros=41000
source=ipvsadm
apiServerProbe=ok
dnsProbe=ok
connectMicros=52
tables<<
TCP  10.100.0.1:443 rr
  -> 192.168.1.10:443             Masq    1      0          0
TCP  10.100.0.10:53 rr
  -> 192.168.7.2:53               Masq    1      0          0
UDP  10.100.0.10:53 rr
  -> 192.168.7.2:53               Masq    1      0          0
>>
end=nightshift-validate
`;
const CLEAN = PROVEN.replace('rejectRules=2', 'rejectRules=0');
const validation = { ...input, phase: 'validate' as const };

test('nodes with leftovers are counted, and pass', async () => {
  const { run } = await collecting([node('i-1'), node('i-2')], [succeeded('i-1', PROVEN), succeeded('i-2', CLEAN)]);
  expect(await run(validation, new RecordedLog())).toMatchObject({ passed: 2, failed: 0, leftovers: 1, done: true });
});

test('where leftovers are not tolerated any more, they fail the phase by their own name', async () => {
  const { run } = await collecting([node('i-1'), node('i-2')], [succeeded('i-1', PROVEN), succeeded('i-2', CLEAN)]);
  await expect(run({ ...validation, strict: true }, new RecordedLog())).rejects.toMatchObject({
    name: 'LeftoversRemain',
    message: expect.stringContaining('(i-1): 2 REJECT rules of the former mode are left. Evidence:'),
  });
});

test('a node that proves nothing is worse than leftovers, and names the failure', async () => {
  const { run } = await collecting(
    [node('i-1'), node('i-2')],
    [succeeded('i-1', PROVEN), succeeded('i-2', CLEAN.replace('dnsProbe=ok', 'dnsProbe=failed'))],
  );
  await expect(run({ ...validation, strict: true }, new RecordedLog())).rejects.toMatchObject({
    name: 'ValidationFailed',
  });
});

test.each(['Undeliverable', 'Delivery Timed Out', 'DeliveryTimedOut', 'Terminated'])(
  'a node that SSM calls %s may be gone: a fresh inventory will tell',
  async (status) => {
    const { run } = await collecting([node('i-1')], [{ node: 'i-1', state: 'failed', status, output: '' }]);
    await expect(run({ ...input, mayAskAgain: true }, new RecordedLog())).rejects.toMatchObject({
      name: 'NodesUnreachable',
      message: expect.stringContaining(`(i-1): ${status}. Evidence:`),
    });
    await expect(run(input, new RecordedLog())).rejects.toMatchObject({ name: 'NodesNotPrepared' });
  },
);

test.each(['Failed', 'Execution Timed Out', 'Access Denied', 'Invalid Platform'])(
  'a node that answered %s is not asked again',
  async (status) => {
    const { run } = await collecting(
      [node('i-1'), node('i-2')],
      [
        { node: 'i-1', state: 'failed', status, output: '' },
        { node: 'i-2', state: 'failed', status: 'Undeliverable', output: '' },
      ],
    );
    await expect(run({ ...input, mayAskAgain: true }, new RecordedLog())).rejects.toMatchObject({
      name: 'NodesNotPrepared',
    });
  },
);

test('a node that does not answer when it is cleaned is unreachable; one that says no beside it keeps leftovers', async () => {
  const silent = { ...{ node: 'i-1', state: 'failed' as const }, status: 'Undeliverable', output: '' };
  const clean = { ...input, phase: 'clean' as const };
  const alone = await collecting([node('i-1')], [silent]);
  await expect(alone.run(clean, new RecordedLog())).rejects.toMatchObject({ name: 'NodesUnreachable' });
  const both = await collecting([node('i-1'), node('i-2')], [silent, { ...silent, node: 'i-2', status: 'Failed' }]);
  await expect(both.run(clean, new RecordedLog())).rejects.toMatchObject({ name: 'LeftoversRemain' });
});
