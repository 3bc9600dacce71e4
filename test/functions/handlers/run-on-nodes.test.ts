import { expect, test } from 'vitest';
import * as z from 'zod';
import type { RunCommand, SentCommand } from '../../../functions/aws/ssm.ts';
import type { InventoryNode } from '../../../functions/core/nodes/nodes.ts';
import { runOnNodes } from '../../../functions/handlers/run-on-nodes.ts';
import { common, heldBy, lines, MemoryStore, RecordedLog } from './fakes.ts';
import { CLUSTER, INVENTORY, node, RR } from './nodes.ts';

const input = {
  ...common,
  step: 'prepare-1',
  phase: 'prepare' as const,
  cluster: CLUSTER,
  inventory: INVENTORY,
  proxying: RR,
  only: null,
};

async function asking(inventory: InventoryNode[], leases = heldBy()) {
  const store = new MemoryStore();
  await store.put(INVENTORY.key, lines(inventory));
  const sent: RunCommand[] = [];
  const run = runOnNodes({
    store,
    leases,
    documentPrefix: () => 'nightshift-',
    ssm: {
      run: async (command) => {
        sent.push(command);
        const commands: SentCommand[] =
          command.nodes.length > 0 ? [{ commandId: 'c-1', nodes: [...command.nodes] }] : [];
        return { commands, unknown: [] };
      },
    },
  });
  return { store, sent, run };
}

const Dispatch = z.object({ nodes: z.array(z.object({ id: z.string() })), limited: z.boolean() });

async function expected(store: MemoryStore) {
  const { text } = await store.get('executions/demo-1/prepare-1/dispatch.json.gz');
  const { nodes, limited } = Dispatch.parse(JSON.parse(text));
  return { nodes: nodes.map(({ id }) => id), limited };
}

test('the prepare document goes to every node with an agent, with the chosen scheduler', async () => {
  const { run, sent } = await asking([node('i-1'), node('i-2'), node('i-3', { by: 'excluded', reason: 'Windows' })]);
  expect(await run(input, new RecordedLog())).toEqual({
    dispatch: {
      key: 'executions/demo-1/prepare-1/dispatch.json.gz',
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      bytes: expect.any(Number),
      asked: { phase: 'prepare', sentAt: '2026-11-21T07:00:00.000Z', limited: false },
    },
    commands: 1,
    nodes: 2,
    deadline: '2026-11-21T07:20:00.000Z',
    waitSeconds: 46,
  });
  expect(sent).toEqual([
    {
      document: 'nightshift-prepare-node',
      nodes: ['i-1', 'i-2'],
      parameters: { Mode: 'ipvs', Scheduler: 'rr' },
      comment: 'nightshift prepare-1 demo-1',
      deliverySeconds: 300,
    },
  ]);
});

test('the former mode is proven without a scheduler', async () => {
  const { run, sent } = await asking([node('i-1')]);
  await run({ ...input, phase: 'validate', proxying: { mode: 'iptables' } }, new RecordedLog());
  expect(sent[0]?.parameters).toMatchObject({ Mode: 'iptables', Scheduler: 'none' });
});

test('a step that has been sent is answered again and not sent again', async () => {
  const { run, sent } = await asking([node('i-1')]);
  const ear = new RecordedLog();
  const first = await run(input, ear);
  expect(await run({ ...input, now: new Date('2026-11-21T07:01:00Z') }, ear)).toEqual(first);
  expect(sent).toHaveLength(1);
  expect(ear.decisions).toEqual(['nodes.asked', 'nodes.already-asked']);
});

test('a cluster without nodes has nothing to wait for', async () => {
  const { run } = await asking([]);
  expect(await run(input, new RecordedLog())).toMatchObject({ commands: 0, nodes: 0, waitSeconds: 0 });
});

test('a comment fits into what SSM takes', async () => {
  const { run, sent } = await asking([node('i-1')]);
  const execution = { ...common.execution, name: 'x'.repeat(80) };
  await run({ ...input, execution, step: `prepare-${'1'.repeat(30)}` }, new RecordedLog());
  expect(sent[0]?.comment).toHaveLength(100);
});

test('a service range that is none reaches no shell', async () => {
  const { run, sent } = await asking([node('i-1')]);
  const cluster = { name: 'demo', serviceCidr: "10.100.0.0/16'; reboot; '" };
  await expect(run({ ...input, phase: 'validate', cluster }, new RecordedLog())).rejects.toMatchObject({
    name: 'InvalidRequest',
  });
  expect(sent).toEqual([]);
});

test('mode iptables has nothing to prepare and is refused', async () => {
  const { run, sent } = await asking([node('i-1')]);
  await expect(run({ ...input, proxying: { mode: 'iptables' } }, new RecordedLog())).rejects.toMatchObject({
    name: 'InvalidRequest',
  });
  expect(sent).toEqual([]);
});

test('an inventory with a kind of node that nobody knows is EvidenceMissing, never an empty one', async () => {
  const { run, store } = await asking([]);
  await store.put(INVENTORY.key, lines([{ ...node('i-1'), kind: 'toaster' }]));
  await expect(run(input, new RecordedLog())).rejects.toMatchObject({ name: 'EvidenceMissing' });
});

test('only newcomers are prepared when an earlier inventory is given, and the step remembers whom it asked', async () => {
  const { run, sent, store } = await asking([node('i-1'), node('i-2'), node('i-3')]);
  const since = { key: 'executions/demo-1/inspect-1/earlier.ndjson.gz' };
  await store.put(since.key, lines([node('i-1'), node('i-3', { by: 'blocked', reason: 'no agent' })]));
  expect(await run({ ...input, only: { since } }, new RecordedLog())).toMatchObject({ nodes: 2 });
  expect(sent[0]?.nodes).toEqual(['i-2', 'i-3']);
  expect(await expected(store)).toEqual({ nodes: ['i-2', 'i-3'], limited: true });
});

test.each([
  ['prepare', ['i-1', 'i-4']],
  ['validate', ['i-1', 'i-3', 'i-4']],
] as const)('whose verdicts %s waits for is written down: not Windows, and blocked ones too', async (phase, nodes) => {
  const { run, store } = await asking([
    node('i-1'),
    node('i-2', { by: 'excluded', reason: 'Windows' }),
    node('i-3', { by: 'proxy-mode', mode: 'ipvs' }),
    node('i-4', { by: 'blocked', reason: 'no SSM agent' }),
  ]);
  await run({ ...input, phase }, new RecordedLog());
  expect(await expected(store)).toEqual({ nodes, limited: false });
});

test('an execution that lost its lease neither prepares nor cleans a node; it may still ask', async () => {
  const { sent, run } = await asking([node('i-1')], heldBy(null));
  for (const phase of ['prepare', 'clean'] as const)
    await expect(run({ ...input, step: `${phase}-1`, phase }, new RecordedLog())).rejects.toMatchObject({
      name: 'LeaseLost',
    });
  expect(sent).toEqual([]);
  await run({ ...input, step: 'validate-1', phase: 'validate' }, new RecordedLog());
  expect(sent).toHaveLength(1);
});
