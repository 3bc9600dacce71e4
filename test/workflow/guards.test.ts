import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { guardTemplate } from '../infra/roles.ts';
import { eventsIn, problemsOf } from './event-schemas.ts';
import type { Ended } from './run.ts';
import { failing, twice } from './scenarios.ts';
import { startedWorkflow } from './shared.ts';
import { REQUEST, WEEKEND, worldOf } from './worlds.ts';

/** The state of the alarm checkout-5xx from a state on; `at` null: from the beginning. */
const alarm = (state: string, at: string | null, more: object = {}) => ({
  ...(at !== null && { at }),
  ...{ other: 'set-alarm', cluster: 'demo', name: 'checkout-5xx', state, reason: '12 errors', ...more },
});
const quiet = alarm('OK', null);
const unreadable = failing('monitoring', 'DescribeAlarms', 'AccessDenied', 'every');

const workflow = await startedWorkflow();
const guarded = (guard = 'checkout-5xx') =>
  worldOf({ tags: { 'nightshift:guard': guard } }, { windows: { weekend: WEEKEND } });
const run = (faults: object[], request: object = REQUEST, world = guarded()) =>
  workflow.migrateAndRest(world, request, faults);
type Run = Ended;

const visits = (path: readonly string[], state: string) => path.filter((each) => each === state).length;
const asked = ({ calls }: Pick<Run, 'calls'>) =>
  calls.filter(({ operation, principal }) => operation === 'DescribeAlarms' && principal !== 'other');
const writes = ({ calls }: Run) =>
  calls
    .filter(({ principal }) => principal !== 'other')
    .map(({ operation }) => operation)
    .filter((operation) => /^(UpdateAddon|CreateAddon|SendCommand|patch daemonsets|delete pods)$/.test(operation));
const day = (rested: Run) => rested.calls.find(({ operation }) => operation === 'UpdateAddon')?.at.slice(0, 10);
const modes = ({ cluster }: Run) => cluster.nodes.map(({ runningMode }) => runningMode);
const FORMER = '{"resources":{"requests":{"cpu":"150m"}}}';

it('a cluster without guards is migrated without a call of CloudWatch', async () => {
  const rested = await run([], REQUEST, worldOf({}, { windows: { weekend: WEEKEND } }));
  expect([rested.status, rested.output]).toMatchObject(['SUCCEEDED', { ending: 'migrated' }]);
  expect(asked(rested)).toEqual([]);
  expect(rested.path).not.toContain('CheckGuards');
});

describe('an alarm in the tag of a cluster', () => {
  it('that is OK lets the migration pass', async () => {
    const rested = await run([quiet]);
    expect([rested.status, rested.output]).toMatchObject(['SUCCEEDED', { ending: 'migrated' }]);
    expect(asked(rested)[0]?.input).toEqual({
      AlarmNames: ['checkout-5xx'],
      AlarmTypes: ['MetricAlarm', 'CompositeAlarm'],
      MaxRecords: 100,
    });
  });

  it('that is raised before the change keeps the migration waiting for its next window', async () => {
    const rested = await run([alarm('ALARM', null), alarm('OK', 'AwaitWindow', { visit: 2 })]);
    expect([rested.status, rested.output]).toMatchObject(['SUCCEEDED', { ending: 'migrated' }]);
    expect(visits(rested.path, 'AwaitWindow')).toBe(2);
    expect(day(rested)).toBe('2026-11-28');
    expect(JSON.stringify(rested.history)).toContain('the alarm checkout-5xx is in ALARM (12 errors)');
  });

  it('that is raised while the nodes are prepared keeps the change from being sent', async () => {
    const rested = await run([quiet, alarm('ALARM', 'CollectPreparation'), alarm('OK', 'AwaitWindow', { visit: 2 })]);
    expect(rested.output).toMatchObject({ ending: 'migrated' });
    expect(day(rested)).toBe('2026-11-28');
  });

  it('ends the migration by its name after six windows, and nothing was written', async () => {
    const rested = await run([alarm('ALARM', null)]);
    expect([rested.status, rested.error]).toEqual(['FAILED', 'GuardRaised']);
    expect(rested.cause).toBe(
      'Six windows passed before the change could begin, the last one because the alarm checkout-5xx is in ALARM (12 errors).',
    );
    expect(writes(rested)).toEqual([]);
    expect(rested.state.schedules).toEqual([]);
  });

  it('ends a migration that was started with --now, before it has written anything', async () => {
    const { window: _, ...request } = REQUEST;
    const rested = await run([alarm('ALARM', null)], { ...request, now: { reason: 'CHG-1' } });
    expect([rested.status, rested.error]).toEqual(['FAILED', 'GuardRaised']);
    expect(rested.cause).toContain('demo cannot be changed now: the alarm checkout-5xx is in ALARM (12 errors).');
    expect(writes(rested)).toEqual([]);
  });

  it('that is raised with the update restores the configuration, and no node was restarted', async () => {
    const rested = await run([quiet, alarm('ALARM', 'UpdateAddon')]);
    expect([rested.status, rested.error]).toEqual(['FAILED', 'RolledBack']);
    expect(rested.cause).toContain(
      'GuardRaised: The window closed before kube-proxy was restarted on any node: the alarm checkout-5xx is in ALARM (12 errors).',
    );
    expect(writes(rested)).not.toContain('delete pods');
    expect(writes(rested)).not.toContain('patch daemonsets');
    expect(rested.cluster.addon?.configurationValues).toBe(FORMER);
  });

  it('that is raised between canary and restart restores the canary, although it stays raised', async () => {
    const rested = await run([quiet, alarm('ALARM', 'CheckWindowBeforeRestart')]);
    expect([rested.status, rested.error]).toEqual(['FAILED', 'RolledBack']);
    expect(rested.cause).toContain('GuardRaised: The window closed before kube-proxy was restarted on the other nodes');
    expect(writes(rested)).not.toContain('patch daemonsets');
    expect(modes(rested)).toEqual(['iptables', 'iptables', 'iptables']);
  });

  it('may be a composite alarm, and given by its ARN', async () => {
    const world = guarded('arn:aws:cloudwatch:us-east-1:111122223333:alarm:checkout-5xx');
    const faults = [alarm('ALARM', null, { composite: true })];
    const rested = await run([...faults, alarm('OK', 'AwaitWindow', { visit: 2, composite: true })], REQUEST, world);
    expect(rested.output).toMatchObject({ ending: 'migrated' });
    expect(day(rested)).toBe('2026-11-28');
  });

  it.each([
    ['has no data', [alarm('INSUFFICIENT_DATA', null)], 'the alarm checkout-5xx has INSUFFICIENT_DATA (12 errors)'],
    ['does not exist', [], 'the alarm checkout-5xx does not exist (no alarm has this name)'],
    ['cannot be read', [quiet, unreadable], 'the alarm checkout-5xx cannot be read (AccessDenied: '],
  ])('that %s stops the migration as a raised one does', async (_, faults, cause) => {
    const rested = await run(faults);
    expect([rested.status, rested.error]).toEqual(['FAILED', 'GuardRaised']);
    expect(rested.cause).toContain(cause);
    expect(writes(rested)).toEqual([]);
  });

  it.each([
    ['x";reboot', 'The tag nightshift:guard must be the name or ARN of a CloudWatch alarm'],
    [
      'arn:aws:cloudwatch:eu-west-1:444455556666:alarm:a',
      'The tag nightshift:guard must name alarms of account 111122223333 in us-east-1, but arn:aws:cloudwatch:eu-west-1:444455556666:alarm:a is of account 444455556666 in eu-west-1.',
    ],
  ])('that breaks a rule refuses the migration: %s', async (guard, cause) => {
    const rested = await run([], REQUEST, guarded(guard));
    expect([rested.status, rested.error]).toEqual(['FAILED', 'PreflightRefused']);
    expect(rested.cause).toContain(cause);
    expect(asked(rested)).toEqual([]);
  });
});

const PutParameter = z.looseObject({ Value: z.string() });

describe('an alarm that is raised after every node has proven the target', () => {
  const HOLD = '/nightshift/holds/clusters/demo';
  const by = (until: string | null) =>
    JSON.stringify({ reason: 'INC-1', by: 'ada', since: '2026-11-20T00:00:00.000Z', until });
  const rings = alarm('ALARM', 'CheckGuards');
  const held = (until: string | null) => ({
    ...{ at: 'CheckGuards', other: 'put-parameter', cluster: 'demo', name: HOLD, value: by(until) },
  });
  const puts = ({ calls }: Run) =>
    calls
      .filter(({ operation, principal }) => operation === 'PutParameter' && principal !== 'other')
      .map(({ input }) => PutParameter.parse(input));
  const MIGRATED = ['SUCCEEDED', { ending: 'migrated' }];
  const PROVEN = 'every node has proven the target, but the alarm checkout-5xx is in ALARM (12 errors)';

  it('puts the cluster on hold, and the outcome says so', async () => {
    const rested = await run([quiet, rings]);
    expect([rested.status, rested.output]).toMatchObject(MIGRATED);
    expect(rested.output).toMatchObject({
      guard: {
        reason: `${PROVEN}; nightshift put the cluster on hold`,
        alarms: [{ name: 'checkout-5xx', state: 'ALARM', reason: '12 errors' }],
        hold: 'put',
      },
    });
    expect(modes(rested)).toEqual(['ipvs', 'ipvs', 'ipvs']);
    const [{ Value, ...put } = { Value: '' }, ...more] = puts(rested);
    expect([put, more]).toEqual([{ Name: HOLD, Type: 'String', Overwrite: false }, []]);
    expect(JSON.parse(Value)).toEqual({
      reason: 'after the migration test: the alarm checkout-5xx is in ALARM (12 errors)',
      by: 'nightshift',
      since: expect.stringMatching(/^2026-11-21T0[789]:/),
      until: null,
    });
    expect(eventsIn(rested.calls).flatMap(problemsOf)).toEqual([]);
    expect(eventsIn(rested.calls)).toMatchObject([
      { 'detail-type': 'nightshift.MigrationSucceeded', detail: { guard: { hold: 'put' } } },
    ]);
  });

  it('overwrites no hold that is in force', async () => {
    const rested = await run([quiet, rings, held(null)]);
    expect(rested.output).toMatchObject({
      ending: 'migrated',
      guard: {
        reason: `${PROVEN}; the cluster is on hold until the hold is released (INC-1; held by ada)`,
        hold: 'kept',
      },
    });
    expect(puts(rested)).toEqual([]);
  });

  it('puts one hold, if the answer about it is lost', async () => {
    const rested = await run([quiet, rings, twice('check-guards')]);
    expect(rested.output).toMatchObject({ ending: 'migrated', guard: { hold: 'put' } });
    expect(puts(rested)).toHaveLength(1);
  });

  it('puts its hold in the place of one that has ended', async () => {
    const rested = await run([quiet, rings, held('2026-11-20T12:00:00.000Z')]);
    expect(rested.output).toMatchObject({ ending: 'migrated', guard: { hold: 'put' } });
    expect(puts(rested)).toMatchObject([{ Name: HOLD, Overwrite: true }]);
  });

  it('that cannot put a hold is recorded and published all the same', async () => {
    const rested = await run([quiet, rings, failing('ssm', 'PutParameter', 'AccessDeniedException', 'every')]);
    expect([rested.status, rested.output]).toMatchObject(MIGRATED);
    expect(rested.output).toMatchObject({ guard: { hold: 'failed' } });
    expect(JSON.stringify(rested.output)).toContain('the cluster could not be put on hold (AccessDeniedException: ');
  });

  it('holds the cluster as well if its state is not known', async () => {
    const rested = await run([quiet, { ...unreadable, at: 'CheckGuards' }]);
    expect(rested.output).toMatchObject({
      ending: 'migrated',
      guard: { alarms: [{ name: 'checkout-5xx', state: 'UNREADABLE' }], hold: 'put' },
    });
  });

  it('stays in the record, if the configuration is changed after that and the migration rolls back', async () => {
    const change = { at: 'ConfirmConfiguration', other: 'change-addon', cluster: 'demo', configuration: '{}' };
    const rested = await run([quiet, rings, change]);
    expect([rested.status, rested.error]).toEqual(['FAILED', 'RolledBack']);
    expect(eventsIn(rested.calls).flatMap(problemsOf)).toEqual([]);
    expect(eventsIn(rested.calls).at(-1)).toMatchObject({ detail: { guard: { hold: 'put' } } });
  });
});

describe('settings that roll back, and let unknown states pass', async () => {
  const template = await guardTemplate({ alarms: ['checkout-5xx'], onGuard: 'rollback', onUnknown: 'open' });
  const strict = await startedWorkflow(worldOf({}), template);
  const follow = (faults: object[]) => strict.migrate(worldOf({}), REQUEST, faults);

  it('guard clusters without a tag', async () => {
    const rested = await follow([alarm('ALARM', null), alarm('OK', 'AwaitWindow', { visit: 2 })]);
    expect(rested.output).toMatchObject({ ending: 'migrated' });
    expect(day(rested)).toBe('2026-11-28');
  });

  it('roll a change back whose alarm is raised after the proof, and put no hold', async () => {
    const rested = await follow([quiet, alarm('ALARM', 'CheckGuards')]);
    expect([rested.status, rested.error]).toEqual(['FAILED', 'RolledBack']);
    expect(rested.cause).toContain(
      'GuardRaised: In demo every node has proven the target, but the alarm checkout-5xx is in ALARM (12 errors).',
    );
    expect(modes(rested)).toEqual(['iptables', 'iptables', 'iptables']);
    expect(rested.cluster.addon?.configurationValues).toBe(FORMER);
    expect(rested.calls.filter(({ operation }) => operation === 'PutParameter')).toEqual([]);
  });

  it.each([
    ['has no data', [alarm('INSUFFICIENT_DATA', null)]],
    ['does not exist', []],
    ['cannot be read', [quiet, unreadable]],
  ])('migrate although an alarm %s', async (_, faults) => {
    const rested = await follow(faults);
    expect([rested.status, rested.output]).toMatchObject(['SUCCEEDED', { ending: 'migrated' }]);
    expect(rested.output).not.toHaveProperty('guard');
    expect(rested.path).toContain('CheckGuards');
  });
});
