import { describe, expect, it } from 'vitest';
import {
  type AlarmAnswer,
  type GuardSettings,
  guardsOf,
  guardText,
  judgeAlarms,
} from '../../../../functions/core/guards/alarms.ts';

const CLUSTER = 'arn:aws:eks:us-east-1:111122223333:cluster/demo';
const SETTINGS = { alarms: ['Fleet errors'], onGuard: 'hold', onUnknown: 'closed' } satisfies GuardSettings;
const none = { ...SETTINGS, alarms: [] };
const tagged = (guard: string) => guardsOf(none, { 'nightshift:guard': guard }, CLUSTER);
const HERE = 'arn:aws:cloudwatch:us-east-1:111122223333:alarm:';

describe("a cluster's guards", () => {
  it('are the alarms of the settings and of its tag, each once and by name', () => {
    const tags = { 'nightshift:guard': `checkout-5xx ${HERE}checkout-5xx  team/api:p99@prod` };
    expect(guardsOf(SETTINGS, tags, CLUSTER)).toEqual({
      kind: 'parsed',
      data: { alarms: ['Fleet errors', 'checkout-5xx', 'team/api:p99@prod'], onGuard: 'hold', onUnknown: 'closed' },
    });
  });

  it('are none without settings and tag, and with an empty tag', () => {
    expect(guardsOf(none, {}, CLUSTER)).toEqual({ kind: 'parsed', data: none });
    expect(tagged(' ')).toEqual({ kind: 'parsed', data: none });
  });

  it.each([
    [
      'arn:aws:cloudwatch:eu-west-1:444455556666:alarm:a',
      'The tag nightshift:guard must name alarms of account 111122223333 in us-east-1, but arn:aws:cloudwatch:eu-west-1:444455556666:alarm:a is of account 444455556666 in eu-west-1.',
    ],
    [
      'arn:aws:sns:us-east-1:111122223333:topic',
      'The tag nightshift:guard must be the name or ARN of a CloudWatch alarm, of letters, digits, inner spaces and _.:/=+-@, but it is "arn:aws:sns:us-east-1:111122223333:topic".',
    ],
    [
      'fine ";reboot;"',
      'The tag nightshift:guard must be the name or ARN of a CloudWatch alarm, of letters, digits, inner spaces and _.:/=+-@, but it is "\\";reboot;\\"".',
    ],
    [
      'Ärger',
      'The tag nightshift:guard must be the name or ARN of a CloudWatch alarm, of letters, digits, inner spaces and _.:/=+-@, but it is "Ärger".',
    ],
  ])('are refused by tag and rule: %s', (guard, sentence) => {
    expect(tagged(guard)).toEqual({ kind: 'broken', sentence });
  });

  it('are refused by the settings’ field, if an ARN there names another Region', () => {
    const alarms = ['arn:aws:cloudwatch:eu-west-1:111122223333:alarm:a'];
    expect(guardsOf({ ...SETTINGS, alarms }, {}, CLUSTER)).toEqual({
      kind: 'broken',
      sentence:
        'settings.guards.alarms must name alarms of account 111122223333 in us-east-1, but arn:aws:cloudwatch:eu-west-1:111122223333:alarm:a is of account 111122223333 in eu-west-1.',
    });
  });
});

describe('alarms', () => {
  const read = (state: string, reason = '12 errors'): AlarmAnswer => ({
    kind: 'read',
    alarms: [{ name: 'a', state, reason }],
  });

  it('that are OK are quiet', () => {
    expect(judgeAlarms(['a'], read('OK'), 'closed')).toEqual({ kind: 'quiet', unknown: [] });
    expect(judgeAlarms([], { kind: 'unreadable', reason: 'x' }, 'closed')).toEqual({ kind: 'quiet', unknown: [] });
  });

  it('in ALARM raise, whatever becomes of unknown ones', () => {
    const alarms = [{ name: 'a', state: 'ALARM', reason: '12 errors' }];
    expect(judgeAlarms(['gone', 'a'], read('ALARM'), 'open')).toEqual({ kind: 'raised', alarms });
    expect(judgeAlarms(['gone', 'a'], read('ALARM'), 'closed')).toEqual({
      kind: 'raised',
      alarms: [...alarms, { name: 'gone', state: 'ABSENT', reason: 'no alarm has this name' }],
    });
  });

  it.each([
    [
      'INSUFFICIENT_DATA',
      read('INSUFFICIENT_DATA', 'Unchecked'),
      { name: 'a', state: 'INSUFFICIENT_DATA', reason: 'Unchecked' },
    ],
    ['a state of tomorrow', read('MUTED'), { name: 'a', state: 'UNREADABLE', reason: 'its state is MUTED' }],
    ['no alarm', { kind: 'read', alarms: [] }, { name: 'a', state: 'ABSENT', reason: 'no alarm has this name' }],
    [
      'no answer',
      { kind: 'unreadable', reason: 'AccessDenied: no' },
      { name: 'a', state: 'UNREADABLE', reason: 'AccessDenied: no' },
    ],
  ] satisfies [string, AlarmAnswer, object][])('with %s follow the settings', (_, answer, alarm) => {
    expect(judgeAlarms(['a'], answer, 'closed')).toEqual({ kind: 'raised', alarms: [alarm] });
    expect(judgeAlarms(['a'], answer, 'open')).toEqual({ kind: 'quiet', unknown: [alarm] });
  });

  it('are described by name, state and one line of their reason', () => {
    const decision = judgeAlarms(['a', 'gone'], read('ALARM', `12 errors\n\u001b[2Jfake ${'x'.repeat(300)}`), 'closed');
    expect(decision.kind === 'raised' && guardText(decision.alarms)).toBe(
      `the alarm a is in ALARM (12 errors [2Jfake ${'x'.repeat(221)}…), the alarm gone does not exist (no alarm has this name)`,
    );
  });
});
