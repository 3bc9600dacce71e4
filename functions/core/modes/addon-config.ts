import { InvalidConfiguration } from '../errors.ts';
import { fitsStateData, LONGEST_CONFIGURATION } from '../execution/state-data.ts';
import { isMapping, type Mapping, own } from '../values/mapping.ts';
import { readYamlDocument, YamlProblem, yamlValues } from '../values/yaml-text.ts';
import { choiceOf, proxyingOf, sameProxying } from './index.ts';
import type { Proxying, Target } from './proxy-mode.ts';
import type { ModeField } from './spec.ts';

/** Configuration values of the kube-proxy add-on. `text` is the exact former text, which a rollback sends again. */
export type ParsedConfiguration = {
  text: string | null;
  format: 'none' | 'json' | 'yaml';
  values: Mapping;
};

const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n', 1)[0]?.trimEnd().replace(/[:.]$/, '') ?? '';

/** Refuses what JSON cannot carry on unchanged: it would be sent back to EKS as something else. */
function refuseUnkeepable(value: unknown, path: string, depth = 0): void {
  if (depth > 100) throw new InvalidConfiguration(`The configuration values are nested more than 100 deep at ${path}.`);
  if (
    typeof value === 'number' &&
    (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value)))
  )
    throw new InvalidConfiguration(
      `The configuration value ${path} is a number that JSON cannot keep: put it in quotes.`,
    );
  if (value instanceof Date || value instanceof Uint8Array || value instanceof Map || value instanceof Set)
    throw new InvalidConfiguration(`The configuration value ${path} has a type that JSON does not have.`);
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value))
    refuseUnkeepable(inner, path === '' ? key : `${path}.${key}`, depth + 1);
}

function readYaml(text: string, version: '1.1' | '1.2'): unknown {
  const document = readYamlDocument(text, { version, duplicateKeys: 'refused', textKeys: true });
  // A directive makes both readings one.
  if (document.directives.yaml.explicit === true) throw new YamlProblem('it has a %YAML directive: leave it out');
  return yamlValues(document);
}

// What JSON's grammar has: strings, what opens and closes and separates, and everything else but whitespace.
const JSON_TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s"{}[\],:]+/g;

/**
 * JSON.parse keeps the last of two equal keys without a word; EKS might have kept the first. `text` is JSON, as JSON.parse
 * has found.
 */
function refuseDuplicateKeys(text: string): void {
  // The keys of each object that is open; null for a list.
  const open: (Set<unknown> | null)[] = [];
  let before: { token: string; at: number } | null = null;
  for (const { 0: token, index: at } of text.matchAll(JSON_TOKENS)) {
    if (token === '{' || token === '[') open.push(token === '{' ? new Set() : null);
    else if (token === '}' || token === ']') open.pop();
    else if (token === ':' && before !== null) {
      const key: unknown = JSON.parse(before.token);
      const keys = open.at(-1);
      if (keys?.has(key))
        throw new InvalidConfiguration(
          `The configuration values have a key twice: again at character ${before.at + 1}.`,
        );
      keys?.add(key);
    }
    before = { token, at };
  }
}

function parseJson(text: string): { value: unknown } | { problem: string } {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    return { problem: firstLine(error) };
  }
}

function parseYaml(text: string, jsonProblem: string): unknown {
  let value: unknown;
  let older: unknown;
  try {
    value = readYaml(text, '1.2');
    older = readYaml(text, '1.1');
  } catch (error) {
    const problem = firstLine(error);
    throw new InvalidConfiguration(
      `The configuration values are neither JSON (${jsonProblem}) nor YAML that can be kept (${problem}).`,
      { cause: error },
    );
  }
  refuseUnkeepable(value, '');
  // EKS reads YAML 1.1 style booleans, this library 1.2: `on` would silently turn from true to "on".
  if (JSON.stringify(older) !== JSON.stringify(value))
    throw new InvalidConfiguration(
      'The configuration values are YAML that versions 1.1 and 1.2 read differently (such as an unquoted yes, on, 0777 or date): put it in quotes.',
    );
  return value;
}

/**
 * Reads an add-on's configuration values: none, JSON text or YAML text. EKS accepts both.
 * https://docs.aws.amazon.com/eks/latest/userguide/updating-an-add-on.html
 * @throws InvalidConfiguration when the text is too long to be carried along, is neither, is no mapping, has a key twice,
 * or holds what JSON cannot keep
 */
export function parseConfiguration(text: string | null | undefined): ParsedConfiguration {
  if (text === null || text === undefined || text.trim() === '')
    return { text: text ?? null, format: 'none', values: {} };
  refuseTooLong(text, 'The configuration values have');
  const json = parseJson(text);
  const format = 'value' in json ? 'json' : 'yaml';
  const value = 'value' in json ? json.value : parseYaml(text, json.problem);
  if (!isMapping(value)) {
    const kind = value === null ? 'empty' : Array.isArray(value) ? 'a list' : `a ${typeof value}`;
    throw new InvalidConfiguration(`The configuration values must be a mapping (JSON or YAML), but they are ${kind}.`);
  }
  if (format === 'json') refuseDuplicateKeys(text);
  refuseUnkeepable(value, '');
  return { text, format, values: value };
}

/** Before anything else is done with it: a long text takes a long time. */
function refuseTooLong(text: string, subject: string): void {
  if (fitsStateData(text)) return;
  throw new InvalidConfiguration(
    `${subject} ${text.length} characters: too many to be kept for a rollback (at most ${LONGEST_CONFIGURATION}).`,
  );
}

/** The mapping under a key; empty where there is none. Throws InvalidConfiguration for any other value. */
export function mappingAt(values: Mapping, key: string): Mapping {
  const value = own(values, key);
  if (value === undefined || value === null) return {};
  if (!isMapping(value)) throw new InvalidConfiguration(`The configuration value ${key} must be a mapping.`);
  return value;
}

/**
 * The whole configuration to send, as JSON text: UpdateAddon replaces everything, so all of the user's values are in it
 * and only the fields of the mode differ.
 * https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateAddon.html
 * @throws InvalidConfiguration when a section of the mode is there but no mapping, or the text is too long to be carried along
 */
export function mergeTarget(current: ParsedConfiguration, target: Proxying): string {
  const { fields } = choiceOf(target);
  const merged = JSON.stringify(fields.reduce(withField, current.values));
  // Aliases are expanded in JSON.
  refuseTooLong(merged, 'The merged configuration values have');
  return merged;
}

// Spread defines own properties, also for a key `__proto__`: nothing reaches a prototype.
function withField(
  values: Mapping,
  { field: [first, second], value }: { field: ModeField; value: string | null },
): Mapping {
  if (value === null) return second === undefined ? without(values, first) : withoutInSection(values, first, second);
  return { ...values, [first]: second === undefined ? value : { ...mappingAt(values, first), [second]: value } };
}

function without(values: Mapping, key: string): Mapping {
  return Object.fromEntries(Object.entries(values).filter(([own]) => own !== key));
}

/** A section in which nothing else is goes, too. */
function withoutInSection(values: Mapping, section: string, key: string): Mapping {
  const before = mappingAt(values, section);
  if (!Object.hasOwn(before, key)) return values;
  const rest = without(before, key);
  return Object.keys(rest).length === 0 ? without(values, section) : { ...values, [section]: rest };
}

/** The annotation whose change makes EKS roll the DaemonSet where the Kubernetes API cannot be reached. */
export const RESTART_ANNOTATION = 'nightshift/restart-for';

/**
 * Adds the pod annotation with a value that no execution had before, so that the DaemonSet's template changes and EKS
 * restarts its pods. The same execution gives the same text: sent again, it changes nothing.
 * @throws InvalidConfiguration when `podAnnotations` is there but no mapping
 */
export function withRestartAnnotation(configuration: string, restartFor: string): string {
  const { values } = parseConfiguration(configuration);
  const podAnnotations = { ...mappingAt(values, 'podAnnotations'), [RESTART_ANNOTATION]: restartFor };
  return JSON.stringify({ ...values, podAnnotations });
}

/**
 * True if the configuration asks for the target, by what it means: an absent scheduler is rr. What nodes run is another
 * question.
 */
export function alreadyTarget(current: ParsedConfiguration, target: Target): boolean {
  const asked = proxyingOf(current.values);
  return asked.kind === 'known' && sameProxying(asked.proxying, target);
}

/**
 * What the configuration asks kube-proxy to run.
 * @throws InvalidConfiguration for a mode or scheduler that this product cannot go back to
 */
export function configuredProxying(current: ParsedConfiguration): Proxying {
  const asked = proxyingOf(current.values);
  if (asked.kind === 'known') return asked.proxying;
  const { field, value, rule } = asked;
  throw new InvalidConfiguration(`The configuration value ${field} is ${JSON.stringify(value)}: ${rule}.`);
}
