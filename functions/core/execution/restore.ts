import { InvalidConfiguration } from '../errors.ts';
import {
  configuredProxying,
  mappingAt,
  type ParsedConfiguration,
  parseConfiguration,
  RESTART_ANNOTATION,
} from '../modes/addon-config.ts';
import { configMapProxying } from '../modes/configured.ts';
import { describeProxying, OWN_FIELDS, sameProxying } from '../modes/index.ts';
import { withProxying } from '../modes/kube-proxy-config.ts';
import type { Proxying } from '../modes/proxy-mode.ts';
import { isMapping, type Mapping, own } from '../values/mapping.ts';

/** The text to write, or why nothing may be written. */
export type Restored = { kind: 'write'; text: string } | { kind: 'changed'; why: string };

/**
 * Configuration values of the add-on: as they were, as nightshift sent them (null if it sent no values), and as they
 * are.
 */
interface Values {
  former: string | null;
  sent: string | null;
  now: string | null;
}

/**
 * The configuration values that restore what nightshift changed, and keep what another principal changed since. If the
 * present values are those that nightshift sent, or the former ones, this is the exact former text. If another
 * principal changed other values, those stay, and only the mode and its settings are restored. If another principal
 * changed the mode, nothing is written.
 */
export function restoredValues({ former, sent, now }: Values): Restored {
  const exact: Restored = { kind: 'write', text: textOf(former) };
  if (now === sent || textOf(now) === exact.text) return exact;
  try {
    const [was, is] = [parseConfiguration(former), parseConfiguration(now)];
    const ours = sent === null ? null : parseConfiguration(sent);
    if (sameValues(is.values, was.values) || (ours !== null && sameValues(is.values, ours.values))) return exact;
    const running = configuredProxying(is);
    if (sameProxying(running, configuredProxying(was))) return { kind: 'write', text: textOf(now) };
    if (ours === null || !sameProxying(running, configuredProxying(ours))) return changed(running);
    const values = withSettingsOf(is, was, ours);
    return sameValues(values, was.values) ? exact : { kind: 'write', text: JSON.stringify(values) };
  } catch (error) {
    if (error instanceof InvalidConfiguration) return { kind: 'changed', why: `the values are new: ${error.message}` };
    throw error;
  }
}

/**
 * The values as UpdateAddon accepts them: without values it keeps the current ones, so an absence of values is sent as
 * `{}`, which resets them all. https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateAddon.html
 */
export const textOf = (text: string | null): string => (text === null || text.trim() === '' ? '{}' : text);

const changed = (running: Proxying | null): Restored => ({
  kind: 'changed',
  why: running === null ? 'it asks for a mode that is not known' : `it asks for ${describeProxying(running)}`,
});

/** The values of `is` with the fields of all modes, and the annotation that nightshift set, as they are in `was`. */
function withSettingsOf(is: ParsedConfiguration, was: ParsedConfiguration, ours: ParsedConfiguration): object {
  const withMode = withField(is.values, 'mode', own(was.values, 'mode'));
  const values = OWN_FIELDS.reduce((before, [section, key]) => withMapping(before, was, section, key), withMode);
  const set = (of: ParsedConfiguration) => own(mappingAt(of.values, 'podAnnotations'), RESTART_ANNOTATION);
  return set(is) === set(ours) ? withMapping(values, was, 'podAnnotations', RESTART_ANNOTATION) : values;
}

/** True when two values of JSON are equal, in whatever order their keys are. */
function sameValues(one: unknown, other: unknown): boolean {
  const sorted = (_: string, value: unknown): unknown =>
    isMapping(value) ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value;
  return JSON.stringify(one, sorted) === JSON.stringify(other, sorted);
}

/** Restores one field of the mapping under `key`. A mapping that is empty now and did not exist before is removed. */
function withMapping(values: Mapping, was: ParsedConfiguration, key: string, field: string): Mapping {
  const inner = withField(mappingAt(values, key), field, own(mappingAt(was.values, key), field));
  const needless = Object.keys(inner).length === 0 && !Object.hasOwn(was.values, key);
  return withField(values, key, needless ? undefined : inner);
}

function withField(values: Mapping, key: string, value: unknown): Mapping {
  const { [key]: _, ...others } = values;
  return value === undefined ? others : { ...values, [key]: value };
}

/** Texts of kube-proxy's ConfigMap, and what they ask for. */
interface Texts {
  /** The exact text before the change, and what it asks for. */
  former: { text: string; proxying: Proxying };
  /** What the change was to set. */
  target: Proxying;
  /** What the former values of the add-on make EKS write; null if there were none. */
  values: Proxying | null;
  /** Who wrote the target into the ConfigMap: nightshift edited the text in place, or EKS replaced the whole text. */
  writtenBy: 'nightshift' | 'eks';
  now: string;
}

/**
 * The text of the ConfigMap that restores what nightshift changed. If nightshift edited the ConfigMap, every edit of
 * another principal stays, and only mode and scheduler are restored. If EKS replaced the text, for the target or for
 * the add-on's former values, the exact former text is restored.
 */
export function restoredConfigMap({ former, target, values, writtenBy, now }: Texts): Restored {
  const exact: Restored = { kind: 'write', text: former.text };
  if (now === former.text) return exact;
  const running = configMapProxying(now);
  const ours = values === null ? [target] : [target, values];
  if (ours.some((proxying) => sameProxying(running, proxying))) {
    const untouched = writtenBy === 'eks' || now === withProxying(former.text, target);
    return untouched ? exact : { kind: 'write', text: withProxying(now, former.proxying) };
  }
  return sameProxying(running, former.proxying) ? { kind: 'write', text: now } : changed(running);
}
