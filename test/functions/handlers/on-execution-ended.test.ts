import { expect, test } from 'vitest';
import type { EventBus } from '../../../functions/aws/events.ts';
import { onExecutionEnded } from '../../../functions/handlers/on-execution-ended.ts';
import { problemsOf } from '../../workflow/event-schemas.ts';
import { execution, MemoryHolds, MemoryStore, RecordedLog } from './fakes.ts';

const MACHINES = {
  migrate: 'arn:aws:states:us-east-1:111122223333:stateMachine:migrate-cluster',
  rollback: 'arn:aws:states:us-east-1:111122223333:stateMachine:rollback-cluster',
};
const OUTCOME = 'executions/demo-1/outcome.json';
const detail = {
  executionArn: execution.arn,
  stateMachineArn: MACHINES.migrate,
  name: 'demo-1',
  status: 'ABORTED',
  startDate: 1795244400000,
  stopDate: 1795248000000,
  input: '{"cluster":"demo","target":{"mode":"ipvs","scheduler":"rr"}}',
  output: null as string | null,
};
const event = (changes: Partial<typeof detail> | { input: null } = {}) => ({
  version: '0',
  id: '315c1398-40ff-a850-213b-158f73e60175',
  'detail-type': 'Step Functions Execution Status Change',
  source: 'aws.states',
  account: '111122223333',
  time: '2026-11-21T07:00:00Z',
  region: 'us-east-1',
  resources: [execution.arn],
  detail: { ...detail, ...changes },
});

const ALIAS = `${MACHINES.rollback}:live`;
const HISTORY = 'executions/demo-1/history.ndjson.gz';

type Started = { stateMachineArn: string; name: string; input: unknown };

function listening() {
  const store = new MemoryStore();
  const started: Started[] = [];
  const events: Parameters<EventBus['put']>[0][] = [];
  const holds = new MemoryHolds();
  const run = onExecutionEnded({
    store,
    holds,
    stateMachines: () => ({ ...MACHINES, recovery: ALIAS }),
    bus: {
      put: async (told) => {
        events.push(told);
      },
    },
    stepFunctions: {
      async start(request) {
        if (started.some(({ name }) => name === request.name)) return { started: false };
        started.push(request);
        return { started: true };
      },
      input: async () => detail.input,
      history: async () => ['{"id":1,"type":"ExecutionStarted"}', '{"id":2,"type":"ExecutionAborted"}'],
    },
  });
  return { store, started, events, holds, run: (about: unknown) => run(about, new RecordedLog()) };
}

const rollbackRef = (attempt: number) => {
  const name = `recover${attempt === 1 ? '' : attempt}-demo-1`;
  return { name, arn: `${MACHINES.rollback.replace('stateMachine', 'execution')}:${name}` };
};

const rollback = (attempt: number, changes: Partial<typeof detail> = {}) => {
  const { name, arn } = rollbackRef(attempt);
  const previous = attempt > 1 && { previous: rollbackRef(attempt - 1) };
  const input = { mode: 'recover', cluster: 'demo', execution, reason: 'why', attempt, ...previous };
  const own = { stateMachineArn: MACHINES.rollback, executionArn: arn, name, input: JSON.stringify(input) };
  return event({ ...own, ...changes });
};

test.each(['ABORTED', 'TIMED_OUT', 'FAILED'])(
  'a migration that ended %s without recording its end is recovered',
  async (status) => {
    const { run, started } = listening();
    const reason = `Execution demo-1 ended ${status}.`;
    expect(await run(event({ status }))).toEqual({ kind: 'started', reason, name: 'recover-demo-1' });
    expect(started).toEqual([
      {
        stateMachineArn: ALIAS,
        name: 'recover-demo-1',
        input: { mode: 'recover', cluster: 'demo', execution, reason, attempt: 1 },
      },
    ]);
  },
);

test.each(['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'])(
  'the whole history of an execution that %s is kept, one event a line',
  async (status) => {
    const { run, store } = listening();
    await run(event({ status }));
    const { text } = await store.get(HISTORY);
    expect(text).toBe('{"id":1,"type":"ExecutionStarted"}\n{"id":2,"type":"ExecutionAborted"}\n');
    await run(event({ status }));
    expect(store.writes.filter((key) => key === HISTORY)).toHaveLength(1);
  },
);

test('a migration that recorded its end is left alone, however it ended', async () => {
  const { run, store, started } = listening();
  await store.put(OUTCOME, '{"ending":"failed"}');
  expect(await run(event({ status: 'FAILED' }))).toMatchObject({ kind: 'ignored' });
  expect(started).toEqual([]);
});

test.each(['RUNNING', 'SUCCEEDED', 'PENDING_REDRIVE'])('%s is no ending that leaves anything', async (status) => {
  const { run, started } = listening();
  expect(await run(event({ status }))).toMatchObject({ kind: 'ignored' });
  expect(started).toEqual([]);
});

test.each(['RUNNING', 'PENDING_REDRIVE'])('%s is no ending, so there is no history to keep', async (status) => {
  const { run, store } = listening();
  await run(event({ status }));
  expect(store.writes).toEqual([]);
});

test("another team's state machine is no business of nightshift's", async () => {
  const { run, started } = listening();
  expect(await run(event({ stateMachineArn: `${MACHINES.migrate}-of-others` }))).toMatchObject({ kind: 'ignored' });
  expect(started).toEqual([]);
});

test.each(['{}', '"demo"', '{"cluster":"-no-"}', 'no JSON'])(
  'an input %s names no cluster to recover',
  async (input) => {
    const { run, started } = listening();
    expect(await run(event({ input }))).toMatchObject({ kind: 'ignored' });
    expect(started).toEqual([]);
  },
);

test('a rollback that was stopped together with its owner and the owner itself ask for one recovery', async () => {
  const { run, started } = listening();
  const leasedTo = 'rollback-1';
  const input = JSON.stringify({ mode: 'rollback', cluster: 'demo', execution, reason: 'why', attempt: 1, leasedTo });
  expect(await run(rollback(1, { name: 'rollback-1', input }))).toMatchObject({ name: 'recover-demo-1' });
  expect(await run(event())).toMatchObject({ kind: 'already-started', name: 'recover-demo-1' });
  expect(started).toMatchObject([{ input: { execution, attempt: 1 } }]);
});

test('and where that one is cut off as well, its record is written for it, once', async () => {
  const { run, store, started, events } = listening();
  expect(await run(rollback(4))).toMatchObject({ kind: 'recorded', name: null });
  expect(await run(rollback(4))).toMatchObject({ kind: 'ignored' });
  expect(started).toEqual([]);
  expect(JSON.parse((await store.get('rollbacks/recover4-demo-1/outcome.json')).text)).toMatchObject({
    ending: 'rollback-failed',
    owner: execution,
  });
  const told = events.map(({ detailType, resources, detail }) => ({
    source: 'nightshift',
    'detail-type': detailType,
    resources,
    detail: { version: 1, ...detail },
  }));
  expect(told).toMatchObject([{ 'detail-type': 'nightshift.RollbackFailed', detail: { cluster: 'demo' } }]);
  expect(told.flatMap(problemsOf)).toEqual([]);
});

test.each([
  ['source', { ...event(), source: 'aws.eks' }],
  ['detail.status', event({ status: 'CONFUSED' })],
  ['detail.executionArn', { ...event(), detail: { ...detail, executionArn: undefined } }],
])('an event whose %s is wrong is refused by name', async (field, about) => {
  const { run, started } = listening();
  await expect(run(about)).rejects.toMatchObject({ name: 'InvalidRequest', message: expect.stringContaining(field) });
  expect(started).toEqual([]);
});

const BATCHED = JSON.stringify({
  ...{ cluster: 'demo', target: { mode: 'ipvs', scheduler: 'rr' } },
  batch: { name: 'nights/weekend/20261121T0700', tolerate: 0 },
});

test('a migration that was aborted after it asked its nodes to prepare counts once in its batch', async () => {
  const { run, store, holds, events, started } = listening();
  await store.put('executions/demo-1/prepare-1-1/dispatch.json.gz', '{}');
  await run(event({ input: BATCHED }));
  await run(event({ input: BATCHED }));
  expect(started).toHaveLength(1);
  const record = await store.get('batches/nights/weekend/20261121T0700/failed/demo.json');
  expect(JSON.parse(record.text)).toEqual({
    ...{ cluster: 'demo', error: 'ABORTED', execution, at: '2026-11-21T08:00:00.000Z' },
  });
  expect(JSON.parse(holds.parameters.get('/nightshift/holds/batches/nights/weekend/20261121T0700') ?? '')).toEqual({
    reason: '1 cluster of the batch failed, and 0 may: demo',
    by: 'nightshift',
    since: '2026-11-21T08:00:00.000Z',
    until: null,
  });
  expect(events.map(({ detailType }) => detailType)).toEqual(['nightshift.BatchHeld']);
});

test('a migration that was aborted before it asked a node does not count in its batch', async () => {
  const { run, store, holds } = listening();
  await store.put('executions/demo-1/compliance-1/dispatch.json.gz', '{}');
  await run(event({ input: BATCHED }));
  expect(await store.list('batches/')).toEqual([]);
  expect(holds.parameters.size).toBe(0);
});

test('a batch that cannot be held keeps no cluster from its recovery, and is tried again', async () => {
  const { run, store, holds, started } = listening();
  await store.put('executions/demo-1/former.json', '{}');
  holds.createParameter = () => Promise.reject(new Error('SSM is away'));
  await expect(run(event({ input: BATCHED }))).rejects.toThrow('SSM is away');
  expect(started).toHaveLength(1);
});
