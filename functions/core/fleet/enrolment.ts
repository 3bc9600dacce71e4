import { WindowName } from '../execution/request.ts';
import { MODES } from '../modes/index.ts';
import type { Target } from '../modes/proxy-mode.ts';
import { readWith } from '../values/parse-input.ts';
import type { Settings } from './settings.ts';

type Tags = Readonly<Record<string, string>>;

const PREFIX = 'nightshift:';
/** The tags by which a cluster says what nightshift shall do with it. */
export const ENROLMENT_TAGS = {
  enrolled: `${PREFIX}enrolled`,
  window: `${PREFIX}window`,
  scheduler: `${PREFIX}scheduler`,
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
  const { enrolled: tag, window: windowTag, scheduler: schedulerTag } = ENROLMENT_TAGS;
  const enrolled = tags[tag];
  if (enrolled === 'false') return { kind: 'not-enrolled', reason: `The tag ${tag} says false.` };
  const [broken] = Object.keys(tags).flatMap((key) => misspelt(key) ?? []);
  if (broken !== undefined) return { kind: 'refused', reason: broken };
  if (enrolled !== undefined && enrolled !== 'true')
    return refused(tag, `must be true or false, but it is "${enrolled}"`);
  if (enrolled === undefined && settings.enrolment === 'tagged')
    return { kind: 'not-enrolled', reason: `There is no tag ${tag}, and only tagged clusters are enrolled.` };
  const wished = tags[schedulerTag] ?? settings.target.scheduler;
  const scheduler = readWith(MODES.ipvs.schema.shape.scheduler, wished, `The tag ${schedulerTag}`);
  if (scheduler.kind === 'broken') return { kind: 'refused', reason: scheduler.sentence };
  const window = readWith(WindowName, tags[windowTag] ?? settings.window, `The tag ${windowTag}`);
  if (window.kind === 'broken') return { kind: 'refused', reason: window.sentence };
  return { kind: 'enrolled', target: { ...settings.target, scheduler: scheduler.data }, window: window.data };
}
