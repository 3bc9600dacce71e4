import * as z from 'zod/mini';
import { InvalidConfiguration } from '../errors.ts';
import { isClusterName } from '../values/cluster-name.ts';
import { parseInput, readWith } from '../values/parse-input.ts';
import { printable } from '../values/printable.ts';

const stageRule = "must be a stage's name: a letter or digit, then up to 31 letters, digits, - or _";
const rolloutRule = "must be a rollout's name: a letter or digit, then up to 47 letters, digits, - or _";
const patternRule = 'must be a name of a cluster, in which * stands for any characters';
const manifestRule = 'must be the key of an object in the evidence bucket, such as "manifests/prod.json"';
const selectRule = 'must name at least one of tags, clusters and manifest';
const atOnceRule = 'must be a whole number of clusters, 1 to 100';
const tolerateRule = 'must be a whole number of clusters, 0 to 10000, or a percentage such as "5%"';
const soakRule = 'must be a number of hours, 0 to 720';
const hoursRule = 'must be a whole number of hours, 1 to 720';
const stagesRule = 'must be a list of 1 to 20 stages';

/** The name of a stage: part of an S3 key, of a parameter of SSM, and of a tag's value. */
export const StageName = z.string({ error: stageRule }).check(z.regex(/^[A-Za-z0-9][\w-]{0,31}$/, stageRule));

/** The name of a rollout: the name of the execution that began it. */
export const RolloutName = z.string({ error: rolloutRule }).check(z.regex(/^[A-Za-z0-9][\w-]{0,47}$/, rolloutRule));

const Select = z
  .strictObject({
    /** Tags that a cluster must have, all of them. */
    tags: z.exactOptional(
      z
        .record(z.string().check(z.minLength(1), z.maxLength(128)), z.string())
        .check(z.refine((tags) => Object.keys(tags).length > 0, { error: 'must have at least one tag' })),
    ),
    /** Names of clusters, or patterns. */
    clusters: z.exactOptional(
      z.array(z.string({ error: patternRule }).check(z.regex(/^[\w*-]{1,100}$/, patternRule))).check(z.maxLength(500)),
    ),
    /** The key of a JSON list of names of clusters in the evidence bucket. */
    manifest: z.exactOptional(
      z.string({ error: manifestRule }).check(z.regex(/^manifests\/[\w-][\w.-]{0,99}$/, manifestRule)),
    ),
  })
  .check(
    z.refine(({ tags, clusters, manifest }) => tags !== undefined || clusters !== undefined || manifest !== undefined, {
      error: selectRule,
    }),
  );

const StageInput = z.strictObject({
  name: StageName,
  select: Select,
  /** How many clusters are migrated at the same time. */
  atOnce: z._default(z.int({ error: atOnceRule }).check(z.gte(1, atOnceRule), z.lte(100, atOnceRule)), 5),
  /** How many clusters may fail before the rollout is held: a number, or a percentage of the stage's clusters. */
  tolerate: z._default(
    z.union(
      [
        z.int().check(z.gte(0, tolerateRule), z.lte(10_000, tolerateRule)),
        z.string().check(z.regex(/^(?:100|[1-9]?[0-9])%$/, tolerateRule)),
      ],
      { error: tolerateRule },
    ),
    0,
  ),
  /** Hours between the last migration of the stage and the second proof of its nodes; 0: no soak and no second proof. */
  soakHours: z._default(z.number({ error: soakRule }).check(z.gte(0, soakRule), z.lte(720, soakRule)), 24),
  approval: z._default(z.enum(['none', 'required'], { error: 'must be one of none, required' }), 'none'),
});
export type Stage = z.output<typeof StageInput>;

const FleetFields = {
  stages: z.array(StageInput, { error: stagesRule }).check(
    z.minLength(1, stagesRule),
    z.maxLength(20, stagesRule),
    z.refine((stages) => new Set(stages.map(({ name }) => name)).size === stages.length, {
      error: 'must not have two stages of one name',
    }),
  ),
  /** Whether another person than the requester must approve. */
  fourEyes: z._default(z.boolean({ error: 'must be true or false' }), false),
  /** How long a stage waits for its approval; without an answer by then it is denied. */
  approvalHours: z._default(z.int({ error: hoursRule }).check(z.gte(1, hoursRule), z.lte(720, hoursRule)), 72),
};

const unlessUnknownField = (issue: { code?: string | undefined }) =>
  issue.code === 'unrecognized_keys' ? undefined : 'must be a JSON object';

/** The stages of a fleet as they are configured. */
export const FleetInput = z.strictObject(FleetFields, { error: unlessUnknownField });
export type Fleet = z.output<typeof FleetInput>;

const RolloutInput = z.strictObject(
  {
    ...FleetFields,
    /** The rollout that this execution continues; if left out, the execution begins one under its own name. */
    rollout: z.exactOptional(RolloutName),
    /** Whether a person resumes the rollout: failures are counted anew, and earlier holds of its stages do not count. */
    resume: z.exactOptional(z.literal(true, { error: 'must be true, or be left out' })),
    requestedBy: z.exactOptional(printable(512)),
  },
  { error: unlessUnknownField },
);
/** What an execution of migrate-fleet is started with. */
export type RolloutInput = z.output<typeof RolloutInput>;

/**
 * Parses the configured fleet.
 * @throws InvalidConfiguration naming field and rule
 */
export function parseFleet(value: unknown): Fleet {
  const parsed = readWith(FleetInput, value, 'The fleet');
  if (parsed.kind === 'parsed') return parsed.data;
  throw new InvalidConfiguration(parsed.sentence, { nextStep: 'Correct the configuration and deploy again.' });
}

/**
 * Parses the input of migrate-fleet. Unknown fields are refused.
 * @throws InvalidRequest naming field and rule
 */
export function parseRollout(value: unknown): RolloutInput {
  return parseInput(RolloutInput, value, 'The rollout');
}

/** The clusters that a stage's manifest names; broken if the text is not a JSON list of names. */
export function parseManifest(text: string, key: string): readonly string[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = null;
  }
  const name = z.string().check(z.refine(isClusterName));
  return parseInput(z.array(name, { error: 'must be a JSON list of names of clusters' }), value, `The manifest ${key}`);
}

/** What a stage selects by. */
export interface Selectable {
  name: string;
  tags: Readonly<Record<string, string>>;
}

/** The clusters that manifests name, by the manifest's key. */
export type Manifests = ReadonlyMap<string, readonly string[]>;

/** Stages with what their manifests name. */
export interface Stages {
  stages: readonly Stage[];
  manifests: Manifests;
}

/**
 * The name of the stage that a cluster belongs to: the first one that selects it, so that no cluster is in two stages.
 * Null if no stage selects it.
 */
export function stageOf(cluster: Selectable, stages: readonly Stage[], manifests: Manifests): string | null {
  return stages.find(({ select }) => isSelected(cluster, select, manifests))?.name ?? null;
}

/** A cluster must satisfy every kind of selection that a stage names. */
function isSelected({ name, tags }: Selectable, select: Stage['select'], manifests: Manifests): boolean {
  const { tags: wanted, clusters, manifest } = select;
  if (wanted !== undefined && Object.entries(wanted).some(([key, value]) => tags[key] !== value)) return false;
  if (clusters !== undefined && !clusters.some((pattern) => matches(pattern, name))) return false;
  return manifest === undefined || (manifests.get(manifest)?.includes(name) ?? false);
}

/** Without a regular expression, whose backtracking a pattern of many * could abuse. */
function matches(pattern: string, name: string): boolean {
  const [head = '', ...parts] = pattern.split('*');
  if (parts.length === 0) return name === head;
  const tail = parts.pop() ?? '';
  if (!name.startsWith(head) || !name.endsWith(tail) || name.length < head.length + tail.length) return false;
  let rest = name.slice(head.length, name.length - tail.length);
  for (const part of parts) {
    const found = rest.indexOf(part);
    if (found < 0) return false;
    rest = rest.slice(found + part.length);
  }
  return true;
}

/** The number of clusters that may fail in a stage of `clusters` clusters; a percentage is rounded down. */
export function toleratedOf({ tolerate }: Pick<Stage, 'tolerate'>, clusters: number): number {
  return typeof tolerate === 'number' ? tolerate : Math.floor((Number.parseInt(tolerate, 10) * clusters) / 100);
}

/** Fewer nodes first, then by name: what goes wrong goes wrong on the smallest cluster. */
export function bySize<Sized extends { cluster: string; nodes: number }>(clusters: readonly Sized[]): Sized[] {
  return clusters.toSorted((a, b) => a.nodes - b.nodes || (a.cluster < b.cluster ? -1 : 1));
}
