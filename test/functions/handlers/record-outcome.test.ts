import { expect, test } from 'vitest';
import type { EventBus } from '../../../functions/aws/events.ts';
import { recordOutcome } from '../../../functions/handlers/record-outcome.ts';
import { common, Ear, execution, lines, MemoryStore } from './fakes.ts';

const request = { cluster: 'demo', target: { mode: 'ipvs', scheduler: 'rr' }, window: 'weekend' };
const input = {
  ...common,
  startedAt: new Date('2026-11-20T22:00:00Z'),
  request,
  ending: 'migrated' as const,
  failure: null,
  from: null,
  to: '{"mode":"ipvs"}',
  changed: true,
};

async function record(changes: Partial<Parameters<ReturnType<typeof recordOutcome>>[0]>) {
  const store = new MemoryStore();
  const verdict = (node: string, pass: boolean) => ({ node, name: node, pass, reasons: [], facts: {}, excerpt: '' });
  const verdicts = [verdict('i-1', true), verdict('i-2', true), verdict('i-3', false)];
  await store.put('executions/demo-1/validate-1/evidence.ndjson.gz', lines(verdicts));
  await store.put('executions/demo-1/inspect-1/inventory.ndjson.gz', lines([{ id: 'i-1' }]));
  await store.put('executions/demo-10/inspect-1/inventory.ndjson.gz', lines([{ id: 'i-9' }]));
  const events: Parameters<EventBus['put']>[0][] = [];
  const bus: EventBus = {
    put: async (event) => {
      events.push(event);
    },
  };
  const run = recordOutcome({ store, bus });
  const output = await run({ ...input, ...changes }, new Ear());
  return { output, events, store, run };
}

test('the outcome lists every object of this execution with its hash and its verdicts', async () => {
  const { store, output } = await record({});
  const { text } = await store.get('executions/demo-1/outcome.json');
  expect(JSON.parse(text)).toMatchObject({
    execution,
    startedAt: '2026-11-20T22:00:00.000Z',
    endedAt: '2026-11-21T07:00:00.000Z',
    request,
    ending: 'migrated',
    changed: true,
    from: null,
    to: '{"mode":"ipvs"}',
    evidence: [
      { key: 'executions/demo-1/inspect-1/inventory.ndjson.gz' },
      { key: 'executions/demo-1/validate-1/evidence.ndjson.gz', passed: 2, failed: 1 },
    ],
  });
  const stored = await store.get('executions/demo-1/validate-1/evidence.ndjson.gz');
  expect(output.evidence[1]).toEqual({ key: stored.key, sha256: stored.sha256 });
});

test('a repeated record gives the same hash', async () => {
  const { output, run } = await record({});
  expect((await run(input, new Ear())).outcome).toEqual(output.outcome);
});

test.each([
  ['migrated', 'nightshift.MigrationSucceeded'],
  ['already-compliant', 'nightshift.MigrationSucceeded'],
  ['refused', 'nightshift.MigrationRefused'],
  ['failed', 'nightshift.MigrationFailed'],
] as const)('an execution that ended %s is told as %s', async (ending, detailType) => {
  const { events } = await record({ ending, failure: { Error: 'RolloutFailed', Cause: 'why' } });
  expect(events.map((event) => event.detailType)).toEqual([detailType]);
});

test("a failed function's own sentence is the cause, not the envelope that Lambda puts around it", async () => {
  const Cause = JSON.stringify({ errorType: 'NodesNotPrepared', errorMessage: '1 of 3 nodes failed.', trace: [] });
  const { output } = await record({ ending: 'failed', failure: { Error: 'NodesNotPrepared', Cause } });
  expect(output.error).toEqual({ name: 'NodesNotPrepared', cause: '1 of 3 nodes failed.' });
});

test('a cause that is plain text stays as it is', async () => {
  const { output } = await record({ ending: 'refused', failure: { Error: 'PreflightRefused', Cause: 'Auto Mode.' } });
  expect(output.error).toEqual({ name: 'PreflightRefused', cause: 'Auto Mode.' });
});

test('a success has no error', async () => {
  expect((await record({})).output.error).toBeUndefined();
});
