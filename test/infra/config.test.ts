import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { parseConfig, readConfig } from '../../infra/config.ts';

const WEEKEND = { schedule: 'cron(0 22 ? * SAT *)', timezone: 'Europe/Berlin', durationHours: 6 };
const SETTINGS = { target: { mode: 'ipvs', scheduler: 'rr' }, window: 'weekend' };
const LEAST = { windows: { weekend: WEEKEND }, settings: SETTINGS };

it('needs windows and settings, and has a default for everything else', () => {
  expect(parseConfig(LEAST)).toEqual({
    fleet: null,
    windows: { weekend: { ...WEEKEND, cutoffHours: 0, changeCalendars: [] } },
    settings: {
      target: { mode: 'ipvs', scheduler: 'rr' },
      window: 'weekend',
      acknowledge: [],
      enrolment: 'tagged',
      newClusters: 'enforce',
      drift: 'notify',
      stagger: { minutes: 10, atOnce: 5 },
      guards: { alarms: [], onGuard: 'hold', onUnknown: 'closed' },
      tolerate: 1,
    },
    notifications: { emails: [], centralBusArn: null },
    vpc: null,
    kubernetesGroup: null,
    nodeTags: ['aws:eks:cluster-name', 'eks:eks-cluster-name'],
    retentionDays: { logs: 90, evidence: 365 },
    assetsBucket: null,
    tags: {},
  });
});

it('accepts the file that the product comes with', () => {
  const config = readConfig(new URL('../../nightshift.config.json', import.meta.url));
  expect(Object.keys(config.windows)).toEqual(['weekend']);
});

it.each([
  ['a text', 'The configuration must be a JSON object, but it is "a text".'],
  [{ ...LEAST, window: {} }, "The configuration must not have the field 'window'."],
  [
    { ...LEAST, windows: { weekend: { ...WEEKEND, timezone: 'Berlin' } } },
    'windows.weekend: timezone must be an IANA timezone such as Europe/Berlin, but it is "Berlin".',
  ],
  [
    { ...LEAST, windows: { weekend: { ...WEEKEND, schedule: 'rate(1 day)' } } },
    'windows.weekend: schedule must be cron(...) or at(...): a rate names no hour, but it is "rate(1 day)".',
  ],
  [
    { ...LEAST, settings: { ...SETTINGS, drift: 'panic' } },
    'settings: drift must be one of migrate, notify, but it is "panic".',
  ],
  [
    { ...LEAST, settings: { ...SETTINGS, window: 'nightly' } },
    'settings.window must be the name of one of the windows (weekend), but it is "nightly".',
  ],
  [
    { ...LEAST, notifications: { emails: ['oncall'] } },
    'notifications.emails.0 must be an e-mail address, but it is "oncall".',
  ],
  [
    { ...LEAST, notifications: { centralBusArn: 'default' } },
    'notifications.centralBusArn must be the ARN of an event bus, or null, but it is "default".',
  ],
  [
    { ...LEAST, vpc: { subnetIds: [], securityGroupIds: ['sg-0123456789abcdef0'] } },
    'vpc.subnetIds must name at least one subnet, but it is [].',
  ],
  [
    { ...LEAST, kubernetesGroup: 'system:masters' },
    'not beginning with system:), or null, but it is "system:masters".',
  ],
  [{ ...LEAST, nodeTags: [] }, 'nodeTags must name at least one tag, but it is [].'],
  [
    { ...LEAST, retentionDays: { logs: 90, evidence: 0 } },
    'retentionDays.evidence must be a whole number of days, 1 to 3650, but it is 0.',
  ],
  [
    { ...LEAST, assetsBucket: 'Bucket!' },
    'assetsBucket must be the name of a bucket, in which ${AWS::AccountId} and ${AWS::Region} are filled in, or null, but it is "Bucket!".',
  ],
  [{ ...LEAST, tags: { team: 5 } }, 'tags.team must be a text of at most 256 characters, but it is 5.'],
])('refuses %j by field and rule', (value, message) => {
  expect(() => parseConfig(value)).toThrow(message);
});

it('refuses log days that CloudWatch Logs does not know', () => {
  expect(() => parseConfig({ ...LEAST, retentionDays: { logs: 91, evidence: 30 } })).toThrow(
    /^retentionDays\.logs must be a number of days that CloudWatch Logs knows: 1, 3, 5, .* but it is 91\.$/,
  );
});

it('refuses windows that do not fit into the environment of a function', () => {
  const windows = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`window-${index}`, WEEKEND]));
  expect(() => parseConfig({ settings: SETTINGS, windows: { ...windows, weekend: WEEKEND } })).toThrow(
    /^windows, settings and fleet must have at most 2800 characters as JSON, but they have \d+\.$/,
  );
});

it('names a file that is not JSON', () => {
  expect(() => readConfig('/dev/null')).toThrow('/dev/null cannot be read as JSON: Unexpected end of JSON input.');
});

it('ends the synthesis with one sentence and exit code 2', () => {
  const app = fileURLToPath(new URL('../../infra/app.ts', import.meta.url));
  const { status, stderr } = spawnSync(process.execPath, [app, '/dev/null'], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({
    status: 2,
    stderr:
      'InvalidConfiguration: /dev/null cannot be read as JSON: Unexpected end of JSON input. Correct nightshift.config.json.\n',
  });
});
