import { afterEach, describe, expect, test } from 'vitest';
import { type FakeRegion, type RegionContent, startFakeRegion } from './fake-region.ts';
import { REQUEST, Recorder } from './history-fixture.ts';
import { ended, run, says, start } from './run.ts';

const EXECUTIONS = 'arn:aws:states:us-east-1:111122223333:execution:';
const MIGRATION = `${EXECUTIONS}migrate-cluster:demo-1`;
const RECOVERY = `${EXECUTIONS}rollback-cluster:recover-demo-1`;
const NESTED = `${EXECUTIONS}rollback-cluster:rollback-1`;

const regions: FakeRegion[] = [];
afterEach(async () => {
  for (const region of regions.splice(0)) await region.close();
});

async function serve(content: RegionContent): Promise<FakeRegion> {
  const region = await startFakeRegion(content);
  regions.push(region);
  return region;
}

/** The call that makes a lease start the execution `name` at `time`, UTC. */
function lease(time: string, name = 'recover-demo-1') {
  const Input = JSON.stringify({ StateMachineArn: 'arn', Name: name, Input: '{}' });
  return {
    Name: 'nightshift-demo',
    ScheduleExpression: `at(${time})`,
    ScheduleExpressionTimezone: 'UTC',
    Target: { Arn: 'arn:aws:scheduler:::aws-sdk:sfn:startExecution', Input },
  };
}

const begun = () => new Recorder('2026-11-20T22:00:00Z').start(REQUEST);
const leased = () => begun().schedule('AcquireLease', lease('2026-11-20T23:02:00'));
const aborted = (record: Recorder) => record.end('ExecutionAborted').events;
const recovery = () => new Recorder('2026-11-20T22:20:00Z').start({});

const AT_23_02 = "the cluster's lease starts it at 2026-11-20 23:02:00Z at the latest";
const AT_00_10 = "the cluster's lease starts it at 2026-11-21 00:10:00Z at the latest";
const NO_LEASE = 'no remaining lease will start it; the daily sweep will';

interface Case {
  lease: string;
  content: RegionContent;
  /** The execution that was cut off last, and the recovery that does not start. */
  last?: string;
  recovery?: string;
  latest: string;
}

const CASES: Case[] = [
  { lease: 'taken once', content: { events: aborted(leased()) }, latest: AT_23_02 },
  {
    lease: 'renewed',
    content: { events: aborted(leased().schedule('RenewLease', lease('2026-11-21T00:10:00'))) },
    latest: AT_00_10,
  },
  {
    lease: 'not renewed, because EventBridge Scheduler refused it',
    content: {
      events: aborted(leased().schedule('RenewLease', lease('2026-11-21T00:10:00'), 'Scheduler.AccessDenied')),
    },
    latest: AT_23_02,
  },
  {
    lease: 'not taken, because another has it',
    content: {
      events: aborted(begun().schedule('AcquireLease', lease('2026-11-20T23:02:00'), 'Scheduler.ConflictException')),
    },
    latest: NO_LEASE,
  },
  {
    lease: 'released for a wait',
    content: { events: aborted(leased().schedule('ReleaseLeaseForWait', { Name: 'nightshift-demo' })) },
    latest: NO_LEASE,
  },
  {
    lease: 'for another execution',
    content: { events: aborted(begun().schedule('AcquireLease', lease('2026-11-20T23:02:00', 'recover-demo-2'))) },
    latest: NO_LEASE,
  },
  {
    lease: 'taken before a call with a schedule that is no lease',
    content: { events: aborted(leased().schedule('PrepareNodes', lease('2026-11-21T00:10:00'))) },
    latest: AT_23_02,
  },
  {
    lease: 'taken over by the rollback that the migration waited for',
    content: {
      events: aborted(leased().startExecution('Rollback', NESTED)),
      rollbacks: {
        'rollback-1': aborted(
          new Recorder('2026-11-20T22:10:00Z').start({}).schedule('TakeOverLease', lease('2026-11-21T00:10:00')),
        ),
      },
    },
    latest: AT_00_10,
  },
  {
    lease: 'taken over by the first recovery, which was aborted, too',
    content: {
      events: aborted(leased()),
      rollbacks: {
        'recover-demo-1': aborted(
          recovery().schedule('TakeOverLease', lease('2026-11-21T00:10:00', 'recover2-demo-1')),
        ),
      },
    },
    last: 'recover-demo-1',
    recovery: 'recover2-demo-1',
    latest: AT_00_10,
  },
];

/** All at once: each of them waits for half a minute. */
test('migrate names the time of the lease that starts the recovery, if the recovery of an aborted migration has not started', async () => {
  const ran = await Promise.all(
    CASES.map(async ({ lease, content }) => {
      const { env } = await serve({ ...content, status: 'ABORTED' });
      return { lease, ...(await run(['migrate', 'demo'], { env })) };
    }),
  );
  expect(ran.map(({ lease, code, stderr }) => ({ lease, code, stderr }))).toEqual(
    CASES.map(({ lease, latest, last = 'demo-1', recovery: next = 'recover-demo-1' }) => ({
      lease,
      code: 1,
      stderr:
        `next: look again: npx nightshift audit ${MIGRATION}\n` +
        `nightshift: ${last} ended aborted, and its recovery ${next} has not started yet: ${latest}: RecoveryNotStarted\n`,
    })),
  );
  const [first, ...others] = ran.map(({ stdout }) => stdout.trimEnd().split('\n').slice(-2));
  expect(first).toEqual([
    'demo-1 ended aborted: waits for its recovery recover-demo-1',
    'ended aborted: RecoveryNotStarted',
  ]);
  expect(others.at(-1)).toEqual([
    'recover-demo-1 ended aborted: waits for its recovery recover2-demo-1',
    'ended aborted; its recovery recover-demo-1 ended aborted: RecoveryNotStarted',
  ]);
});

test('migrate looks for the recovery again after a call without an answer', async () => {
  const recorded = { ending: 'finished', outcome: { key: 'k', sha256: 's' }, evidence: [] };
  const rollbacks = { 'recover-demo-1': recovery().task('RecordOutcome', recorded).succeed(recorded).events };
  // The SDK asks six times for one look.
  const { env } = await serve({ events: aborted(leased()), status: 'ABORTED', rollbacks, unanswered: 7 });
  const { code, stdout, stderr } = await run(['migrate', 'demo'], { env });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/\nended aborted; its recovery recover-demo-1 ended finished; its story: .*\n$/);
});

describe('migrate that is left with Ctrl-C', () => {
  async function leave(content: RegionContent, at: string) {
    const region = await serve({ events: aborted(leased()), status: 'ABORTED', ...content });
    const child = start(['migrate', 'demo'], region.env);
    const result = ended(child);
    await says(child.stdout, at);
    child.kill('SIGINT');
    return { ...(await result), endpoint: region.endpoint };
  }

  test('while it waits for a recovery prints that it starts by itself, and no command that needs it to exist', async () => {
    const { code, stderr } = await leave({}, 'waits for its recovery');
    expect({ code, stderr }).toEqual({
      code: 130,
      stderr: `
demo-1 ended aborted, and its recovery had not started yet. It starts without this terminal: ${RECOVERY}
  the story so far:  npx nightshift audit ${MIGRATION}
`,
    });
  });

  test('while it follows a recovery prints how to read and to stop the recovery', async () => {
    const rollbacks = { 'recover-demo-1': recovery().events };
    const { code, stderr, endpoint } = await leave({ rollbacks }, 'recovery arn:');
    expect({ code, stderr }).toEqual({
      code: 130,
      stderr: `
The recovery goes on without this terminal: ${RECOVERY}
  its story so far:  npx nightshift audit ${RECOVERY}
  to stop it:        aws stepfunctions stop-execution --execution-arn ${RECOVERY} --region us-east-1 --endpoint-url ${endpoint}
                     (the next recovery then goes on)
`,
    });
  });

  test('while it follows the execution that gives up does not offer to stop it', async () => {
    const rollbacks = {
      ...Object.fromEntries(['', '2', '3'].map((attempt) => [`recover${attempt}-demo-1`, aborted(recovery())])),
      'recover4-demo-1': recovery().events,
    };
    const { code, stderr } = await leave({ rollbacks }, `recovery ${EXECUTIONS}rollback-cluster:recover4-demo-1`);
    expect({ code, stderr }).toEqual({
      code: 130,
      stderr: `
The recovery goes on without this terminal: ${EXECUTIONS}rollback-cluster:recover4-demo-1
  its story so far:  npx nightshift audit ${EXECUTIONS}rollback-cluster:recover4-demo-1
`,
    });
  });
});
