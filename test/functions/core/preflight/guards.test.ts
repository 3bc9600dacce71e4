import { expect, it } from 'vitest';
import { parseRequest } from '../../../../functions/core/execution/request.ts';
import type { GuardDecision, GuardLook } from '../../../../functions/core/guards/alarms.ts';
import { preflight, subjectOf } from '../../../../functions/core/preflight/preflight.ts';
import { cluster } from '../fixtures.ts';

const request = parseRequest({ cluster: 'demo', target: { mode: 'ipvs', scheduler: 'rr' } });
const unseen = { restartFor: 'demo-1', inVpc: false, ec2: [], managed: [], workloads: null };
const found = (guards: GuardLook | undefined, acknowledge: 'guards'[] = []) => {
  const subject = subjectOf(cluster(), [], { ...request, acknowledge }, { ...unseen, ...(guards && { guards }) });
  const check = preflight(subject).find(({ name }) => name === 'guards');
  return check && `${check.verdict} ${check.why}: ${check.fix}`;
};
const asked = (alarms: string[], onUnknown: 'closed' | 'open', decision: GuardDecision): GuardLook => ({
  ...{ kind: 'asked', guards: { alarms, onGuard: 'hold', onUnknown }, decision },
});

it('without alarms there is no check', () => {
  expect(found(asked([], 'closed', { kind: 'quiet', unknown: [] }))).toBeUndefined();
  expect(found(undefined)).toBeUndefined();
});

it('alarms that are OK pass', () => {
  expect(found(asked(['a', 'b'], 'closed', { kind: 'quiet', unknown: [] }))).toBe(
    'PASS all 2 alarms that guard the cluster are OK: ',
  );
});

it('an alarm that does not exist is a warning, in each setting with what it does', () => {
  const gone = { name: 'b', state: 'ABSENT' as const, reason: 'no alarm has this name' };
  expect(found(asked(['a', 'b'], 'closed', { kind: 'raised', alarms: [gone] }))).toBe(
    'WARN the alarm b does not exist (no alarm has this name): No change begins before that is over. The names are in the tag nightshift:guard and in settings.guards.',
  );
  expect(found(asked(['a', 'b'], 'open', { kind: 'quiet', unknown: [gone] }))).toBe(
    'WARN the alarm b does not exist (no alarm has this name): It stops no change, because settings.guards.onUnknown is open. Correct the name, or see why its state is not known.',
  );
});

it('a name that breaks a rule blocks, and nobody can accept that', () => {
  const broken = { kind: 'broken' as const, sentence: 'The tag nightshift:guard must be fine.' };
  const expected = 'BLOCK The tag nightshift:guard must be fine: Correct the tag, or the settings, and start again.';
  expect([found(broken), found(broken, ['guards'])]).toEqual([expected, expected]);
});
