import { TargetMode, WindowName } from '../execution/request.ts';
import { alarmsInTag, GUARD_TAG } from '../guards/alarms.ts';
import { MODES } from '../modes/index.ts';
import type { Target } from '../modes/proxy-mode.ts';
import { type Parsed, readWith } from '../values/parse-input.ts';
import type { Settings } from './settings.ts';

type Tags = Readonly<Record<string, string>>;

const PREFIX = 'nightshift:';
/** The tags by which a cluster says what nightshift shall do with it. */
export const ENROLMENT_TAGS = {
  enrolled: `${PREFIX}enrolled`,
  window: `${PREFIX}window`,
  mode: `${PREFIX}mode`,
  scheduler: `${PREFIX}scheduler`,
  guard: GUARD_TAG,
  stage: `${PREFIX}stage`,
} as const;
const KNOWN: readonly string[] = Object.values(ENROLMENT_TAGS);

/** What a cluster's tags ask for; `refused`: a tag breaks a rule, and somebody has to correct it. */
export type Enrolment =
  | { kind: 'enrolled'; target: Target; window: string }
  | { kind: 'not-enrolled'; reason: string }
  | { kind: 'refused'; reason: string };

/** A tag's key without what a person may take for no difference: EKS compares keys with their case and their blanks. */
const meant = (key: string): string => key.replaceAll(/\s/gu, '').toLowerCase();

/**
 * Why a tag that looks like nightshift's is not one that it reads; null for one that it reads, and for those of others.
 * A misspelt tag is reported, because its author wanted an effect, perhaps that the cluster is left alone.
 */
function misspelt(key: string): string | null {
  const lookalike = meant(key);
  if (KNOWN.includes(key) || !lookalike.startsWith(PREFIX)) return null;
  const shown = JSON.stringify(key);
  return KNOWN.includes(lookalike)
    ? `The tag ${shown} is not ${lookalike}: case and blanks count.`
    : `The tag ${shown} is none of ${KNOWN.join(', ')}.`;
}

const refused = (tag: string, rule: string): Enrolment => ({ kind: 'refused', reason: `The tag ${tag} ${rule}.` });

/**
 * What a cluster's tags ask for, with the deployment's settings where they are silent. A misspelt tag is refused, enrolled
 * or not: it must not become a wish that nobody had, nor a wish that nobody heard. Only a cluster that says false is left
 * alone whatever else it says. Whether the window is configured is another question.
 */
export function enrolmentOf(tags: Tags, settings: Pick<Settings, 'target' | 'window' | 'enrolment'>): Enrolment {
  const { enrolled: tag, window: windowTag } = ENROLMENT_TAGS;
  const enrolled = tags[tag];
  if (enrolled === 'false') return { kind: 'not-enrolled', reason: `The tag ${tag} says false.` };
  const [broken] = Object.keys(tags).flatMap((key) => misspelt(key) ?? []);
  if (broken !== undefined) return { kind: 'refused', reason: broken };
  if (enrolled !== undefined && enrolled !== 'true')
    return refused(tag, `must be true or false, but it is "${enrolled}"`);
  if (enrolled === undefined && settings.enrolment === 'tagged')
    return { kind: 'not-enrolled', reason: `There is no tag ${tag}, and only tagged clusters are enrolled.` };
  const target = targetOf(tags, settings.target);
  if (target.kind === 'broken') return { kind: 'refused', reason: target.sentence };
  const window = readWith(WindowName, tags[windowTag] ?? settings.window, `The tag ${windowTag}`);
  if (window.kind === 'broken') return { kind: 'refused', reason: window.sentence };
  const guard = alarmsInTag(tags[GUARD_TAG] ?? '');
  if (guard.kind === 'broken') return { kind: 'refused', reason: guard.sentence };
  return { kind: 'enrolled', target: target.data, window: window.data };
}

/**
 * The target that the tags ask for. An option of a mode, the scheduler, comes from its tag or, if the settings name the
 * same mode, from the settings. A tag for an option that the mode does not have is refused.
 */
function targetOf(tags: Tags, settings: Target): Parsed<Target> {
  const { mode: modeTag, scheduler: schedulerTag } = ENROLMENT_TAGS;
  const mode = readWith(TargetMode, tags[modeTag] ?? settings.mode, `The tag ${modeTag}`);
  if (mode.kind === 'broken') return mode;
  const usual = settings.mode === mode.data ? settings : MODES[mode.data].usual;
  const wished = tags[schedulerTag];
  if (wished === undefined) return { kind: 'parsed', data: usual };
  if (!('scheduler' in usual))
    return { kind: 'broken', sentence: `The tag ${schedulerTag} does not apply: mode ${mode.data} has no scheduler.` };
  const scheduler = readWith(MODES.ipvs.schema.shape.scheduler, wished, `The tag ${schedulerTag}`);
  return scheduler.kind === 'broken' ? scheduler : { kind: 'parsed', data: { ...usual, scheduler: scheduler.data } };
}
