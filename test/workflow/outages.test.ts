import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { eventsIn, problemsOf } from './event-schemas.ts';
import type { Rested } from './run.ts';
import { APPLIED, abort, failing, offline } from './scenarios.ts';
import { personAt, startedSchedules } from './shared.ts';
import { REQUEST, worldOf } from './worlds.ts';

/** A bus or a bucket that refuses every call of this kind from a state on, so many times. */
const refusing = (service: string, operation: string, times: number | 'every', at = 'RecordOutcome') => ({
  at,
  ...failing(service, operation, service === 's3' ? 'AccessDenied' : 'AccessDeniedException', times),
});
const bus = (times: number | 'every') => refusing('events', 'PutEvents', times);
const bucket = (times: number | 'every', at?: string) => refusing('s3', 'PutObject', times, at);

const CANNOT_GO_BACK = [APPLIED, offline('RestoreAddon', 2)];
/** Days of sweeps, each a day after the one before; the migration is on Saturday, the 21st of November 2026. */
const DAYS = Array.from({ length: 30 }, (_, day) => new Date(Date.UTC(2026, 10, 22 + day, 3)).toISOString());

const sandbox = await startedSchedules();
const person = personAt(sandbox.workflow);

const run = (...faults: object[]) => sandbox.workflow.migrateAndRest(worldOf({}), REQUEST, faults);

async function sweepFor(days: number): Promise<unknown> {
  let answer: unknown;
  for (const now of DAYS.slice(0, days)) {
    answer = await sandbox.workflow.sandbox.live.region.clock.busy(() =>
      sandbox.invoke('sweep-executions', { kind: 'sweep', now }),
    );
    await sandbox.rest();
  }
  return answer;
}

const executions = (): string[] =>
  [...sandbox.workflow.sandbox.live.stepFunctions.executions.values()].map(
    ({ name, status, error }) => `${name.startsWith('rollback-') ? 'rollback' : name} ${error ?? status}`,
  );
const Put = z.object({ Entries: z.array(z.object({ DetailType: z.string() })) });
/** The events that the bus took, by name. */
const announced = ({ calls }: Pick<Rested, 'calls'>): string[] =>
  calls
    .filter(({ operation, error }) => operation === 'PutEvents' && error === undefined)
    .flatMap(({ input }) => Put.parse(input).Entries.map(({ DetailType }) => DetailType));
const seen = () => ({ calls: sandbox.workflow.sandbox.calls });
const endings = async (): Promise<string[]> => {
  const found: string[] = [];
  for (const [key, text] of await person.objects())
    if (key.endsWith('/outcome.json')) found.push(`${key.split('/')[0]} ${JSON.parse(text).ending}`);
  return found;
};

describe('a bus that accepts no event', () => {
  it('for some minutes only delays the end', async () => {
    const rested = await run(bus(3));
    expect(executions()).toEqual(['test SUCCEEDED']);
    expect(announced(rested)).toEqual(['nightshift.MigrationSucceeded']);
  });

  it('for hours leaves a proven migration at rest; the event of its end completes the record', async () => {
    const rested = await run(bus(4));
    expect(executions()).toEqual(['test OutcomeNotRecorded']);
    expect(announced(rested)).toEqual(['nightshift.MigrationSucceeded']);
    expect(await endings()).toEqual(['executions migrated']);
  });

  it('for ever starts no execution again, for a month of sweeps', async () => {
    await run(APPLIED, bus('every'));
    await sweepFor(30);
    expect(executions()).toEqual(['test OutcomeNotRecorded', 'rollback OutcomeNotRecorded']);
    expect(announced(seen())).toEqual([]);
    expect(await endings()).toEqual([]);
    expect((await sandbox.workflow.sandbox.state()).schedules).toEqual([]);
  });

  it('for days delays record and event, and each is written once when the bus answers again', async () => {
    // Four tries in each execution, one at each end, and one of each in three sweeps.
    await run(APPLIED, bus(4 + 4 + 2 + 6));
    expect(await sweepFor(3)).toMatchObject({ answer: { owed: 2, recorded: 0 } });
    expect(await sweepFor(4)).toMatchObject({ answer: { owed: 0, recorded: 0 } });
    expect(announced(seen())).toEqual(['nightshift.MigrationRolledBack', 'nightshift.MigrationRolledBack']);
    expect((await endings()).sort()).toEqual(['executions rolled-back', 'rollbacks rolled-back']);
  });
});

describe('a bucket that answers no PutObject or no GetObject', () => {
  it('from the change on for ever: the rollback is done and proven, and ends without a record', async () => {
    const { cluster, said } = await run(APPLIED, bucket('every', 'UpdateAddon'));
    expect(cluster.nodes.map(({ runningMode }) => runningMode)).toEqual(['iptables', 'iptables', 'iptables']);
    expect(cluster.nodes.every(({ leftovers }) => leftovers?.virtualServers === 0)).toBe(true);
    await sweepFor(30);
    expect(executions()).toEqual(['test OutcomeNotRecorded', 'rollback OutcomeNotRecorded']);
    expect(said.map(({ ending }) => ending)).toEqual(['rolled-back', 'rolled-back']);
  });

  it('during the rollback: the record names the missing evidence', async () => {
    // The inventories, dispatches and verdicts of the rollback; SSM keeps what the commands printed.
    await run(APPLIED, bucket(6, 'UpdateAddon'));
    const [rollback] = [...(await person.objects('rollbacks/')).keys()].filter((key) => key.endsWith('outcome.json'));
    expect(await person.record(rollback ?? '')).toMatchObject({
      ending: 'rolled-back',
      error: { name: 'EvidenceMissing' },
      missing: expect.arrayContaining([
        expect.objectContaining({
          key: expect.stringContaining('/proof-1-1/dispatch.json.gz'),
          commands: [expect.stringMatching(/^[0-9a-f-]{36}$/)],
        }),
      ]),
      modes: [{ mode: 'iptables', nodes: 3 }],
    });
    expect(executions()).toEqual(['test RolledBack', 'rollback EvidenceMissing']);
  });

  it('neither of both, from the change on for ever: the rollback uses the history', async () => {
    const silent = ['GetObject', 'ListObjectsV2'].map((operation) => ({
      at: 'UpdateAddon',
      ...failing('s3', operation, 'AccessDenied', 'every'),
    }));
    const rested = await run(APPLIED, bucket('every', 'UpdateAddon'), ...silent);
    expect(rested.cluster.nodes.map(({ runningMode }) => runningMode)).toEqual(['iptables', 'iptables', 'iptables']);
    await sweepFor(30);
    expect(executions()).toEqual(['test OutcomeNotRecorded', 'rollback OutcomeNotRecorded']);
    expect(announced(seen())).toEqual(['nightshift.MigrationRolledBack', 'nightshift.MigrationRolledBack']);
    const details = eventsIn(seen().calls).map(({ detail }) => detail['outcome']);
    expect(details).toEqual([null, null]);
    expect(eventsIn(seen().calls).flatMap(problemsOf)).toEqual([]);
  });

  it('from the canary on for ever: the first attempt restarts the canary alone, as it does with a bucket', async () => {
    const { cluster, said, executions: all } = await run(bucket('every', 'ValidateCanary'));
    expect(cluster.nodes.map(({ runningMode }) => runningMode)).toEqual(['iptables', 'iptables', 'iptables']);
    const path = all.find(({ name }) => name.startsWith('rollback-'))?.path ?? [];
    expect(path.filter((state) => /^(InspectFormer|Restart.*)$/.test(state))).toEqual([
      'InspectFormer',
      'RestartCanary',
    ]);
    expect(said.map(({ ending }) => ending)).toEqual(['rolled-back', 'rolled-back']);
  });

  it('no GetObject, from the canary on for ever: the rollback is done all the same', async () => {
    const silent = { at: 'ValidateCanary', ...failing('s3', 'GetObject', 'AccessDenied', 'every') };
    const { cluster } = await run(silent);
    expect(cluster.nodes.map(({ runningMode }) => runningMode)).toEqual(['iptables', 'iptables', 'iptables']);
    expect(announced(seen())).toEqual(['nightshift.MigrationRolledBack', 'nightshift.MigrationRolledBack']);
  });

  it('before the change: nothing is changed, and the error has a name', async () => {
    const { cluster } = await run(bucket('every', 'SaveFormer'));
    expect(cluster.nodes.map(({ runningMode }) => runningMode)).toEqual(['iptables', 'iptables', 'iptables']);
    expect(executions()).toEqual(['test OutcomeNotRecorded']);
  });
});

describe('a rollback that failed pages once', () => {
  const pages = () => announced(seen()).filter((name) => name === 'nightshift.RollbackFailed');

  it('although its lease cannot be read, and each of its recoveries fails, too', async () => {
    await run({ at: 'AwaitAddon', ...failing('scheduler', 'GetSchedule', 'InternalServerException', 'every') });
    expect(executions().slice(0, 2)).toEqual(['test RollbackFailed', 'rollback RollbackFailed']);
    expect(pages()).toEqual(['nightshift.RollbackFailed']);
  });

  it('and recoveries that end well but cannot release their lease page nobody', async () => {
    await run(abort('PrepareNodes'), failing('scheduler', 'DeleteSchedule', 'InternalServerException', 'every'));
    expect(executions().length).toBeGreaterThan(2);
    expect(pages()).toEqual([]);
  });

  it('and starts nothing more, with a bucket that never accepts an object', async () => {
    await run(...CANNOT_GO_BACK, bucket('every'));
    await sweepFor(30);
    expect(executions()).toEqual(['test RollbackFailed', 'rollback RollbackFailed']);
    expect(announced(seen())).toEqual(['nightshift.RollbackFailed']);
  });

  it('by the alarm, with a bus that never accepts an event', async () => {
    await run(...CANNOT_GO_BACK, bus('every'));
    await sweepFor(30);
    expect(executions()).toEqual(['test RollbackFailed', 'rollback RollbackFailed']);
    expect(announced(seen())).toEqual([]);
  });
});
