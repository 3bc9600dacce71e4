import { describe, expect, test } from 'vitest';
import type { EventBus } from '../../../functions/aws/events.ts';
import type { Input } from '../../../functions/contracts/record-outcome.ts';
import { recordOutcome } from '../../../functions/handlers/record-outcome.ts';
import type { Log } from '../../../functions/runtime/wrap.ts';
import { problemsOf } from '../../workflow/event-schemas.ts';
import { common, execution, lines, MemoryHolds, MemoryStore, RecordedLog } from './fakes.ts';

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
  owner: null,
  rollback: null,
  stored: [],
  remains: null,
  publishedByOther: false,
};

/** The dispatch of a validation of all nodes. */
const validationAt = (sentAt: string): string =>
  JSON.stringify({
    phase: 'validate',
    nodes: [],
    limited: false,
    commands: [],
    unknown: [],
    sentAt,
    deadline: sentAt,
  });

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
  const run = recordOutcome({ store, bus, holds: new MemoryHolds() });
  const output = await run({ ...input, ...changes }, new RecordedLog());
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

test('objects of which the functions told are not read again, but for what the nodes said last', async () => {
  const { store, run } = await record({});
  const [step, sentAt] = ['executions/demo-1/validate-1', '2026-11-21T06:00:00.000Z'];
  const asked = { phase: 'validate', sentAt, limited: false };
  const stored = [
    { ...(await store.put(`${step}/dispatch.json.gz`, validationAt(sentAt))), asked },
    { key: `${step}/evidence.ndjson.gz`, sha256: 'as it was written', bytes: 7, passed: 3, failed: 0 },
    { key: 'executions/demo-1/inspect-1/inventory.ndjson.gz', sha256: 'as well', bytes: 8 },
  ];
  store.reads.length = 0;
  const { modes } = await run({ ...input, stored }, new RecordedLog());
  expect(store.reads).toEqual([`${step}/evidence.ndjson.gz`]);
  expect(modes).toEqual({ unknown: 3 });
  expect(JSON.parse((await store.get('executions/demo-1/outcome.json')).text)).toMatchObject({
    evidence: [
      { key: 'executions/demo-1/inspect-1/inventory.ndjson.gz', sha256: 'as well', bytes: 8 },
      { key: `${step}/dispatch.json.gz` },
      { key: `${step}/evidence.ndjson.gz`, sha256: 'as it was written', bytes: 7, passed: 3, failed: 0 },
    ],
  });
});

test('a step that timed out is recorded, said and answered under a name of ours', async () => {
  const { output, events, store } = await record({ ending: 'failed', failure: { Error: 'States.Timeout' } });
  const error = { name: 'StepTimedOut', cause: 'A step did not answer in its time (States.Timeout).' };
  expect(output.error).toEqual(error);
  expect(JSON.parse((await store.get('executions/demo-1/outcome.json')).text)).toMatchObject({ error });
  expect(events).toMatchObject([{ detail: { error } }]);
});

test('an object that was stored and is gone is missing in the record, which no longer says that all is proven', async () => {
  const stored = [{ key: 'executions/demo-1/prepare-1/evidence.ndjson.gz', sha256: '0', bytes: 1 }];
  const { store, output } = await record({ stored });
  expect(output).toMatchObject({ ending: 'migrated', missing: 1, error: { name: 'EvidenceMissing' } });
  expect(JSON.parse((await store.get('executions/demo-1/outcome.json')).text)).toMatchObject({
    error: { name: 'EvidenceMissing' },
    missing: [
      {
        key: 'executions/demo-1/prepare-1/evidence.ndjson.gz',
        why: 'It was stored and is not there any more. The bucket keeps older versions of this key.',
      },
    ],
  });
});

/** A bus that takes nothing. */
const DEAF: EventBus = {
  put: async () => {
    throw new Error('the bus is away');
  },
};

test('an ending that the bus does not take is not recorded: both are owed', async () => {
  const store = new MemoryStore();
  expect(await recordOutcome({ store, bus: DEAF, holds: new MemoryHolds() })(input, new RecordedLog())).toMatchObject({
    announced: false,
    recorded: false,
    owed: 'The event bus did not take the event: Error: the bus is away',
  });
  expect(store.writes).toEqual([]);
});

test('an event that the bus has taken is not put on it again when the record is written later', async () => {
  const { store, run, events } = await record({});
  store.put = () => Promise.reject(new Error('no room'));
  const first = await run(input, new RecordedLog());
  expect(first).toMatchObject({ announced: true, recorded: false });
  await run({ ...input, announced: first.announced, paged: true }, new RecordedLog());
  // One by `record`, one by the first attempt.
  expect(events).toHaveLength(2);
});

/** Remembers how often each metric was counted. */
class Counter implements Log {
  readonly counts = new Map<string, number>();
  decision(): void {}
  count(metric: string, value: number): void {
    this.counts.set(metric, (this.counts.get(metric) ?? 0) + value);
  }
}

test('a rollback that failed is counted once for the alarm, also where the bus takes nothing', async () => {
  const counter = new Counter();
  const failed = { ...input, ending: 'rollback-failed' as const, failure: { Error: 'RolloutFailed', Cause: 'why' } };
  const run = recordOutcome({ store: new MemoryStore(), bus: DEAF, holds: new MemoryHolds() });
  await run(failed, counter);
  await run({ ...failed, paged: true }, counter);
  expect(counter.counts.get('nightshift.RollbackFailed')).toBe(1);
  await run({ ...failed, publishedByOther: true }, counter);
  expect(counter.counts.get('nightshift.RollbackFailed')).toBe(1);
});

test.each(['Eks.ThrottlingException', 'AccessDenied', 'TypeError'])(
  'a failure that a service calls %s has a name of ours, and the service is named in its cause',
  async (name) => {
    const { output } = await record({ ending: 'failed', failure: { Error: name, Cause: 'why' } });
    expect(output.error).toEqual({ name: 'ServiceFailed', cause: `${name}: why` });
  },
);

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

test.each([
  ['finished', 'nightshift.MigrationSucceeded'],
  ['rolled-back', 'nightshift.MigrationRolledBack'],
  ['rollback-failed', 'nightshift.RollbackFailed'],
] as const)('a rollback that ended %s is told as %s', async (ending, detailType) => {
  const { events } = await record({ ending, owner: { ...execution, name: 'demo-0' } });
  expect(events).toMatchObject([{ detailType, detail: { owner: { name: 'demo-0' } } }]);
});

test('access that was not given back is an error of its own, and the cluster is as proven as it is', async () => {
  const remains = { Error: 'Eks.ThrottlingException', Cause: 'Rate exceeded' };
  const { output, events } = await record({ remains });
  const told =
    'Its access to Kubernetes was not revoked (Eks.ThrottlingException): the recovery that the lease starts tries again.';
  expect(output).toMatchObject({
    ending: 'migrated',
    error: { name: 'AccessRemains', cause: `The execution ended migrated. ${told}` },
  });
  expect(events.map(({ detailType }) => detailType)).toEqual(['nightshift.MigrationSucceeded']);
  expect(events[0]?.detail).not.toHaveProperty('error');
  const failure = { Error: 'RolloutFailed', Cause: 'why' };
  expect((await record({ remains, ending: 'rolled-back', failure })).output.error).toEqual({
    name: 'RolloutFailed',
    cause: `why ${told}`,
  });
});

test('what the rollback has said is recorded, and not said again', async () => {
  const arn = 'arn:aws:states:us-east-1:111122223333:execution:rollback-cluster:rollback-demo-1';
  const rollback = { name: 'rollback-demo-1', arn };
  const failed = { ending: 'rollback-failed' as const, rollback };
  const { events, output } = await record({ ...failed, publishedByOther: true });
  expect(events).toEqual([]);
  expect(output.ending).toBe('rollback-failed');
  expect((await record(failed)).events).toMatchObject([{ detailType: 'nightshift.RollbackFailed' }]);
});

test('a rollback that a person asked for has no error, one after a failure has', async () => {
  expect((await record({ ending: 'rolled-back' })).output.error).toBeUndefined();
  const failure = { Error: 'RolloutFailed', Cause: 'why' };
  expect((await record({ ending: 'rolled-back', failure })).output.error).toEqual({
    name: 'RolloutFailed',
    cause: 'why',
  });
});

test('an execution that was cut off before it changed anything has failed, and somebody hears it', async () => {
  const { events } = await record({ ending: 'nothing-to-roll-back', owner: { ...execution, name: 'demo-0' } });
  expect(events.map(({ detailType }) => detailType)).toEqual(['nightshift.MigrationFailed']);
});

test('an execution that told its end itself is not told again', async () => {
  const { events, run, store } = await record({});
  await store.put('executions/demo-0/outcome.json', '{"ending":"migrated"}');
  events.length = 0;
  await run({ ...input, ending: 'nothing-to-roll-back', owner: { ...execution, name: 'demo-0' } }, new RecordedLog());
  expect(events).toEqual([]);
});

test('the record says where the nodes stand, with what the rollback saw last', async () => {
  const { run, store } = await record({});
  const said = (node: string, facts: Record<string, string>) =>
    lines([{ node, name: `ip-${node}`, pass: false, reasons: [], facts, excerpt: '' }]);
  const put = async (prefix: string, sentAt: string, evidence: string) => {
    await store.put(`${prefix}/dispatch.json.gz`, validationAt(sentAt));
    await store.put(`${prefix}/evidence.ndjson.gz`, evidence);
  };
  await put(
    'executions/demo-1/validate-2',
    '2026-11-21T06:00:00.000Z',
    said('i-1', { proxyMode: 'ipvs' }) + said('i-3', { proxyMode: 'ipvs' }),
  );
  await put(
    'rollbacks/rollback-demo-1/validate-1',
    '2026-11-21T06:30:00.000Z',
    said('i-1', { proxyMode: 'iptables' }) + said('i-2', { answer: 'none' }),
  );
  const arn = 'arn:aws:states:us-east-1:111122223333:execution:rollback-cluster:rollback-demo-1';
  const rollback = { name: 'rollback-demo-1', arn };
  const output = await run({ ...input, ending: 'rollback-failed', rollback }, new RecordedLog());
  expect(output.modes).toEqual({ iptables: 1, unknown: 1 });
  expect(JSON.parse((await store.get('executions/demo-1/outcome.json')).text)).toMatchObject({
    rollback: { name: 'rollback-demo-1' },
    modes: [
      { mode: 'iptables', nodes: 1, names: ['ip-i-1'] },
      { mode: 'unknown', nodes: 1, names: ['ip-i-2'] },
    ],
  });
  expect(output.evidence.map(({ key }) => key)).toContain('rollbacks/rollback-demo-1/validate-1/evidence.ndjson.gz');
});

describe('a migration of a batch that fails', () => {
  const batched = { ...request, batch: { name: 'rollouts/R/staging', tolerate: 1 } };
  const failure = { Error: 'CanaryFailed', Cause: 'node i-1 runs iptables' };
  const PREPARED = { key: 'executions/demo-1/prepare-1-1/dispatch.json.gz', sha256: '0', bytes: 1 };
  const HOLD = '/nightshift/holds/batches/rollouts/R/staging';

  function batch() {
    const [store, holds, events] = [new MemoryStore(), new MemoryHolds(), [] as Parameters<EventBus['put']>[0][]];
    const bus: EventBus = { put: async (event) => void events.push(event) };
    const fail = (cluster: string, changes: Partial<Input> = {}) => {
      const name = `${cluster}-1`;
      const run = recordOutcome({ store, bus, holds });
      return run(
        {
          ...{ ...input, ending: 'rolled-back', failure, request: { ...batched, cluster } },
          ...{ execution: { name, arn: execution.arn.replace('demo-1', name) }, ...changes },
        },
        new RecordedLog(),
      );
    };
    const held = () => events.filter(({ detailType }) => detailType === 'nightshift.BatchHeld');
    return { store, holds, events, fail, held };
  }

  test('holds the batch when more have failed than it tolerates, and publishes once which and why', async () => {
    const { store, holds, fail, held } = batch();
    expect(await fail('a')).toMatchObject({ recorded: true });
    expect([holds.parameters.size, held().length]).toEqual([0, 0]);
    expect(await fail('b', { ending: 'failed', failure: { Error: 'NodesNotPrepared' }, changed: true })).toMatchObject({
      recorded: true,
    });
    await fail('c');
    await fail('c');
    expect(JSON.parse(holds.parameters.get(HOLD) ?? '')).toEqual({
      reason: '2 clusters of the batch failed, and 1 may: a, b',
      by: 'nightshift',
      since: '2026-11-21T07:00:00.000Z',
      until: null,
    });
    const arn = 'arn:aws:states:us-east-1:111122223333:execution:migrate-cluster';
    expect(held()).toEqual([
      {
        detailType: 'nightshift.BatchHeld',
        resources: [`${arn}:b-1`],
        detail: {
          cluster: null,
          batch: 'rollouts/R/staging',
          tolerate: 1,
          failures: 2,
          failed: [
            { cluster: 'a', error: 'CanaryFailed', execution: { name: 'a-1', arn: `${arn}:a-1` } },
            { cluster: 'b', error: 'NodesNotPrepared', execution: { name: 'b-1', arn: `${arn}:b-1` } },
          ],
          hold: HOLD,
          held: 'Every migration of the batch rollouts/R/staging that has not begun its change ends as OnHold; those that have begun go on. Release: nightshift release --batch rollouts/R/staging',
        },
      },
    ]);
    expect(
      held().flatMap(({ detailType, resources, detail }) =>
        problemsOf({ source: 'nightshift', 'detail-type': detailType, resources, detail: { version: 1, ...detail } }),
      ),
    ).toEqual([]);
    expect(await store.list('batches/')).toEqual([
      'batches/rollouts/R/staging/failed/a.json',
      'batches/rollouts/R/staging/failed/b.json',
      'batches/rollouts/R/staging/failed/c.json',
      'batches/rollouts/R/staging/held.json',
    ]);
  });

  test.each<[string, Partial<Input>]>([
    ['is refused', { ending: 'refused', failure: { Error: 'PreflightRefused' }, changed: false }],
    ['finds no window', { ending: 'failed', failure: { Error: 'WindowNever' }, changed: false }],
    [
      'is refused by a later look, after its nodes were prepared',
      { ending: 'refused', failure: { Error: 'PreflightRefused' }, changed: false, stored: [PREPARED] },
    ],
    [
      'is on hold after its nodes were prepared',
      { ending: 'failed', failure: { Error: 'OnHold' }, changed: false, stored: [PREPARED] },
    ],
    ['is rolled back because a person holds it', { failure: { Error: 'OnHold' } }],
    [
      'loses its lease before the change',
      { ending: 'failed', failure: { Error: 'AlreadyMigrating' }, changed: false, stored: [PREPARED] },
    ],
    ['is compliant already', { ending: 'already-compliant', failure: null, changed: false }],
    ['is proven, but its access stays', { ending: 'migrated', failure: null, remains: { Error: 'Eks.EksException' } }],
  ])('is not counted if it %s', async (_, changes) => {
    const { store, fail } = batch();
    await fail('a', changes);
    expect(await store.list('batches/')).toEqual([]);
  });

  test('counts if its nodes could not be prepared, although nothing was changed', async () => {
    const { store, fail } = batch();
    const changes = { failure: { Error: 'NodesNotPrepared' }, changed: false, stored: [PREPARED] };
    await fail('a', { ending: 'failed', ...changes });
    const [key] = await store.list('batches/');
    expect(key).toBe('batches/rollouts/R/staging/failed/a.json');
  });

  test('is owed while SSM does not take the hold, and the next attempt holds the batch', async () => {
    const { holds, fail, held, store } = batch();
    await fail('a');
    const create = holds.createParameter.bind(holds);
    holds.createParameter = () => Promise.reject(new Error('SSM is away'));
    expect(await fail('b')).toMatchObject({
      announced: true,
      recorded: false,
      owed: 'The failure is not counted in its batch: Error: SSM is away',
    });
    expect(await store.find('executions/b-1/outcome.json')).toBe(null);
    holds.createParameter = create;
    expect(await fail('b')).toMatchObject({ recorded: true });
    expect([holds.parameters.has(HOLD), held().length]).toEqual([true, 1]);
  });

  test('does not put a hold again that a person released, but the next failure does', async () => {
    const { holds, fail, held } = batch();
    await fail('a');
    await fail('b');
    holds.parameters.clear();
    await fail('b');
    expect(holds.parameters.has(HOLD)).toBe(false);
    await fail('c');
    expect([holds.parameters.has(HOLD), held().length]).toEqual([true, 2]);
  });
});
