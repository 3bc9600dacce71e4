import { readWith } from './parse-input.ts';
import { IPVS_SCHEDULERS, isIpvsScheduler, type Target } from './proxy-mode.ts';
import { WindowName } from './request.ts';
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

/** True for a tag that is nightshift's to read. */
export function isEnrolmentTag(key: string): boolean {
  return key.startsWith(PREFIX);
}

const refused = (tag: string, rule: string): Enrolment => ({ kind: 'refused', reason: `The tag ${tag} ${rule}.` });

/**
 * What a cluster's tags ask for, with the deployment's settings where they are silent. A misspelt tag is refused: it must
 * not become a wish that nobody had. Whether the window is configured is another question.
 */
export function enrolmentOf(tags: Tags, settings: Pick<Settings, 'target' | 'window' | 'enrolment'>): Enrolment {
  const { enrolled: tag, window: windowTag, scheduler: schedulerTag } = ENROLMENT_TAGS;
  const enrolled = tags[tag];
  if (enrolled !== undefined && enrolled !== 'true' && enrolled !== 'false')
    return refused(tag, `must be true or false, but it is "${enrolled}"`);
  if (enrolled === 'false') return { kind: 'not-enrolled', reason: `The tag ${tag} says false.` };
  if (enrolled === undefined && settings.enrolment === 'tagged')
    return { kind: 'not-enrolled', reason: `There is no tag ${tag}, and only tagged clusters are enrolled.` };
  const unknown = Object.keys(tags).find((key) => isEnrolmentTag(key) && !KNOWN.includes(key));
  if (unknown !== undefined) return refused(unknown, `is none of ${KNOWN.join(', ')}`);
  const scheduler = tags[schedulerTag] ?? settings.target.scheduler;
  if (!isIpvsScheduler(scheduler))
    return refused(schedulerTag, `must be one of ${IPVS_SCHEDULERS.join(', ')}, but it is "${scheduler}"`);
  const window = readWith(WindowName, tags[windowTag] ?? settings.window, `The tag ${windowTag}`);
  if (window.kind === 'broken') return { kind: 'refused', reason: window.sentence };
  return { kind: 'enrolled', target: { ...settings.target, scheduler }, window: window.data };
}
