import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { eventsIn, problemsOf } from './event-schemas.ts';
import { writes } from './run.ts';
import { APPLIED, abort, failing } from './scenarios.ts';
import { startedWorkflow } from './shared.ts';
import { REQUEST, worldOf } from './worlds.ts';

const NAME = 'rollouts/R/staging';
const HOLD = `/nightshift/holds/batches/${NAME}`;
const batched = (tolerate: number, more: object = {}) => ({ ...REQUEST, batch: { name: NAME, tolerate }, ...more });
const BY_NIGHTSHIFT = {
  ...{ reason: '3 clusters of the batch failed, and 2 may: a, b, c', by: 'nightshift' },
  ...{ since: '2026-11-20T00:00:00.000Z', until: null },
};
/** The hold of the batch comes when this state is entered, or at once. */
const hold = (at: string | null) => ({
  ...(at !== null && { at }),
  ...{ other: 'put-parameter', cluster: 'demo', name: HOLD, value: JSON.stringify(BY_NIGHTSHIFT) },
});

const workflow = await startedWorkflow();
const run = (request: object, faults: object[] = []) => workflow.migrateAndRest(worldOf({}), request, faults);
type Rested = Awaited<ReturnType<typeof run>>;

const heldEvents = ({ calls }: Rested) =>
  eventsIn(calls).filter((event) => event['detail-type'].endsWith('.BatchHeld'));
const putParameters = ({ calls }: Rested) =>
  calls.filter(({ operation, principal }) => operation === 'PutParameter' && principal !== 'other');

const Keyed = z.object({ Key: z.string() });
const keysIn = ({ calls }: Rested) => calls.flatMap(({ input }) => Keyed.safeParse(input).data?.Key ?? []);

describe('a migration whose failure is one too many for its batch', () => {
  it('puts the batch on hold before it ends, and publishes which cluster failed and why', async () => {
    const rested = await run(batched(0), [APPLIED]);
    expect([rested.status, rested.error]).toEqual(['FAILED', 'RolledBack']);
    expect(putParameters(rested).map(({ input }) => input)).toEqual([
      {
        ...{ Name: HOLD, Type: 'String', Overwrite: false },
        Value: expect.stringMatching(
          /^\{"reason":"1 cluster of the batch failed, and 0 may: demo","by":"nightshift","since":"2026-11-21T[\d:.]+Z","until":null\}$/,
        ),
      },
    ]);
    const events = heldEvents(rested);
    expect(events.flatMap(problemsOf)).toEqual([]);
    expect(events).toMatchObject([
      {
        source: 'nightshift',
        detail: {
          ...{ version: 1, cluster: null, batch: NAME, tolerate: 0, failures: 1, hold: HOLD },
          failed: [{ cluster: 'demo', error: 'AddonUpdateFailed', execution: { name: 'test' } }],
        },
      },
    ]);
  });

  it('is counted also if it was aborted, and its recovery still puts the cluster back', async () => {
    const rested = await run(batched(0), [abort('AwaitAddon')]);
    expect(rested.executions.map(({ machine, status }) => `${machine} ${status}`)).toEqual([
      'nightshift-migrate-cluster ABORTED',
      'nightshift-rollback-cluster SUCCEEDED',
    ]);
    expect(heldEvents(rested)).toMatchObject([{ detail: { failed: [{ cluster: 'demo', error: 'ABORTED' }] } }]);
  });

  it('is put back also while SSM takes no hold, and is counted when it does', async () => {
    const rested = await run(batched(0), [APPLIED, failing('ssm', 'PutParameter', 'InternalServerError', 25)]);
    expect(rested.path).toContain('AwaitRecord');
    expect([rested.status, rested.error]).toEqual(['FAILED', 'RolledBack']);
    expect(rested.cluster.addon?.configurationValues).toBe('{"resources":{"requests":{"cpu":"150m"}}}');
    expect(heldEvents(rested)).toHaveLength(1);
  });
});

describe('a migration of a batch that is not exceeded', () => {
  it('records a failure that the batch tolerates, and holds nothing', async () => {
    const rested = await run(batched(1), [APPLIED]);
    expect([rested.error, putParameters(rested), heldEvents(rested)]).toEqual(['RolledBack', [], []]);
    expect(keysIn(rested)).toContain(`batches/${NAME}/failed/demo.json`);
  });

  it('that is refused is no failure', async () => {
    const rested = await run(batched(0, { window: 'nights' }));
    expect([rested.error, putParameters(rested)]).toEqual(['UnknownWindow', []]);
  });
});

describe('the hold of a batch', () => {
  it('ends a migration at once, and it waits for no window', async () => {
    const rested = await run(batched(2), [hold(null)]);
    expect([rested.status, rested.error]).toEqual(['FAILED', 'OnHold']);
    expect(rested.cause).toContain(
      'demo is not changed: its batch is on hold until the hold is released (3 clusters of the batch failed, and 2 may: a, b, c; held by nightshift).',
    );
    expect(rested.path).not.toContain('AwaitWindow');
    expect(writes(rested)).toEqual([]);
  });

  it('that comes while nodes are prepared keeps the change from being sent, and counts as no failure', async () => {
    const rested = await run(batched(0), [hold('CollectPreparation')]);
    expect([rested.error, writes(rested).filter((each) => each !== 'ssm SendCommand')]).toEqual(['OnHold', []]);
    expect(keysIn(rested)).not.toContain(`batches/${NAME}/failed/demo.json`);
  });

  it.each(['UpdateAddon', 'CheckWindowBeforeCanary', 'CheckWindowBeforeRestart'])(
    'that comes when the change has begun, at %s, does not stop it',
    async (state) => {
      const rested = await run(batched(0), [hold(state)]);
      expect([rested.status, rested.output]).toMatchObject(['SUCCEEDED', { ending: 'migrated' }]);
    },
  );
});
