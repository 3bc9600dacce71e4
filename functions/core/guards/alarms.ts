import * as z from 'zod/mini';
import { named } from '../values/named.ts';
import { type Parsed, readWith } from '../values/parse-input.ts';

/** The cluster's own tag with the alarms that guard it: names or ARNs, separated by spaces. */
export const GUARD_TAG = 'nightshift:guard';

const MOST = 50;
const alarmRule = 'must be the name or ARN of a CloudWatch alarm, of letters, digits, inner spaces and _.:/=+-@';
const alarmsRule = `must be a list of at most ${MOST} names or ARNs of CloudWatch alarms`;
const onGuardRule = 'must be one of hold, rollback';
const onUnknownRule = 'must be one of closed, open';
const guardsRule = 'must be an object {"alarms": ["checkout-5xx"], "onGuard": "hold", "onUnknown": "closed"}';

/** CloudWatch allows more characters in a name. These are the ones that the value of a tag in EKS may have, too. */
const ALARM = /^(?! )[A-Za-z0-9 _.:/=+@-]{1,255}(?<! )$/;
const ALARM_ARN = /^arn:aws[a-z-]*:cloudwatch:([a-z0-9-]+):(\d{12}):alarm:(.+)$/;

const Alarm = z.string({ error: alarmRule }).check(
  z.regex(/^.{1,340}$/, alarmRule),
  z.refine((text) => ALARM.test(ALARM_ARN.exec(text)?.[3] ?? text), alarmRule),
  z.refine((text) => !text.startsWith('arn:') || ALARM_ARN.test(text), alarmRule),
);

const OnGuard = z.enum(['hold', 'rollback'], { error: onGuardRule });
const OnUnknown = z.enum(['closed', 'open'], { error: onUnknownRule });
type OnUnknown = z.output<typeof OnUnknown>;

/**
 * The guards of a deployment. `onGuard`: what follows where an alarm is raised after every node has proven the target:
 * a hold of the cluster, or the rollback. `onUnknown`: whether an alarm whose state is not known stops a change, as a
 * raised alarm does.
 */
export const GuardSettings = z.strictObject(
  {
    alarms: z._default(z.array(Alarm, { error: alarmsRule }).check(z.maxLength(MOST, alarmsRule)), []),
    onGuard: z._default(OnGuard, 'hold'),
    onUnknown: z._default(OnUnknown, 'closed'),
  },
  { error: (issue) => (issue.code === 'unrecognized_keys' ? undefined : guardsRule) },
);
export type GuardSettings = z.output<typeof GuardSettings>;

/** What a deployment without configured guards has. */
export const NO_GUARDS: GuardSettings = { alarms: [], onGuard: 'hold', onUnknown: 'closed' };

/** The guards of one cluster. `alarms` are names in the cluster's own account and Region, each once. */
export const Guards = z.object({ alarms: z.array(z.string()), onGuard: OnGuard, onUnknown: OnUnknown });
export type Guards = z.output<typeof Guards>;

/**
 * The guards of the settings and of the cluster's tag together. `arn` is the cluster's: CloudWatch describes no alarm of
 * another account or Region, so an ARN that names one is a broken rule.
 */
export function guardsOf(settings: GuardSettings, tags: Readonly<Record<string, string>>, arn: string): Parsed<Guards> {
  const tagged = alarmsInTag(tags[GUARD_TAG] ?? '');
  if (tagged.kind === 'broken') return tagged;
  const { onGuard, onUnknown } = settings;
  const alarms = new Set<string>();
  for (const [text, subject] of [
    ...settings.alarms.map((each) => [each, 'settings.guards.alarms'] as const),
    ...tagged.data.map((each) => [each, `The tag ${GUARD_TAG}`] as const),
  ]) {
    const name = nameIn(text, arn, subject);
    if (name.kind === 'broken') return name;
    alarms.add(name.data);
  }
  return { kind: 'parsed', data: { alarms: [...alarms], onGuard, onUnknown } };
}

/** The names and ARNs of alarms in the value of a cluster's tag. */
export function alarmsInTag(value: string): Parsed<string[]> {
  const texts = value.split(/\s+/).filter((each) => each !== '');
  for (const text of texts) {
    const read = readWith(Alarm, text, `The tag ${GUARD_TAG}`);
    if (read.kind === 'broken') return read;
  }
  return { kind: 'parsed', data: texts };
}

/** The name of an alarm that may be given by its ARN. */
function nameIn(text: string, cluster: string, subject: string): Parsed<string> {
  const [, region, account, name] = ALARM_ARN.exec(text) ?? [];
  if (name === undefined) return { kind: 'parsed', data: text };
  const [, , , ownRegion, ownAccount] = cluster.split(':');
  if (region === ownRegion && account === ownAccount) return { kind: 'parsed', data: name };
  const rule = `must name alarms of account ${ownAccount} in ${ownRegion}`;
  return { kind: 'broken', sentence: `${subject} ${rule}, but ${text} is of account ${account} in ${region}.` };
}

/** An alarm as CloudWatch describes it. `reason` is CloudWatch's own text about the state. */
export interface DescribedAlarm {
  name: string;
  state: string;
  reason: string;
}

/** What CloudWatch answered about some alarms. An alarm that does not exist is absent from `alarms`. */
export type AlarmAnswer = { kind: 'read'; alarms: DescribedAlarm[] } | { kind: 'unreadable'; reason: string };

/** An alarm that stops a change: one that is raised, or one whose state is not known. */
export const RaisedAlarm = z.object({
  name: z.string(),
  state: z.enum(['ALARM', 'INSUFFICIENT_DATA', 'ABSENT', 'UNREADABLE']),
  reason: z.string(),
});
export type RaisedAlarm = z.output<typeof RaisedAlarm>;

/** `unknown`: alarms whose state is not known, and which the settings let pass. */
export type GuardDecision =
  | { kind: 'quiet'; unknown: RaisedAlarm[] }
  | { kind: 'raised'; alarms: [RaisedAlarm, ...RaisedAlarm[]] };

/** What a cluster's guards said when it was inspected. `broken`: a name among them breaks a rule. */
export type GuardLook =
  | { kind: 'broken'; sentence: string }
  | { kind: 'asked'; guards: Guards; decision: GuardDecision };

/**
 * Judges the alarms of these names. One in ALARM raises. One with INSUFFICIENT_DATA, with a state that is not known
 * here, one that does not exist and one that could not be read follow `onUnknown`.
 */
export function judgeAlarms(names: readonly string[], answer: AlarmAnswer, onUnknown: OnUnknown): GuardDecision {
  const states = names.flatMap((name) => stateOf(name, answer));
  const raised = states.filter(({ state }) => state === 'ALARM');
  const unknown = states.filter(({ state }) => state !== 'ALARM');
  const [first, ...others] = onUnknown === 'closed' ? [...raised, ...unknown] : raised;
  return first === undefined ? { kind: 'quiet', unknown } : { kind: 'raised', alarms: [first, ...others] };
}

/** Nothing for an alarm that is OK. */
function stateOf(name: string, answer: AlarmAnswer): RaisedAlarm[] {
  if (answer.kind === 'unreadable') return [{ name, state: 'UNREADABLE', reason: oneLine(answer.reason) }];
  const found = answer.alarms.find((alarm) => alarm.name === name);
  if (found === undefined) return [{ name, state: 'ABSENT', reason: 'no alarm has this name' }];
  if (found.state === 'OK') return [];
  const reason = oneLine(found.reason);
  if (found.state === 'ALARM' || found.state === 'INSUFFICIENT_DATA') return [{ name, state: found.state, reason }];
  return [{ name, state: 'UNREADABLE', reason: `its state is ${oneLine(found.state)}` }];
}

const LONGEST_REASON = 240;

/** The reason of an alarm as one line: its author must not be able to write other lines of a log. */
function oneLine(text: string): string {
  const line = text.replaceAll(/[\p{Cc}\s]+/gu, ' ').trim();
  return line.length > LONGEST_REASON ? `${line.slice(0, LONGEST_REASON - 1)}…` : line;
}

const TEXTS: Readonly<Record<RaisedAlarm['state'], string>> = {
  ALARM: 'is in ALARM',
  INSUFFICIENT_DATA: 'has INSUFFICIENT_DATA',
  ABSENT: 'does not exist',
  UNREADABLE: 'cannot be read',
};

/** What the alarms of a decision say, for a sentence: each alarm with its state and its reason. */
export function guardText(alarms: readonly RaisedAlarm[]): string {
  const texts = alarms.map(({ name, state, reason }) => `the alarm ${name} ${TEXTS[state]} (${reason})`);
  return named(texts, { most: 3, separator: ', ' });
}
