import { describe, expect, it } from 'vitest';
import { failing } from './scenarios.ts';
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
type Run = Awaited<ReturnType<typeof run>>;

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
