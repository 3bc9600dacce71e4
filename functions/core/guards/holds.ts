import * as z from 'zod/mini';
import { assertNever } from '../errors.ts';
import { type Parsed, readWith } from '../values/parse-input.ts';
import { printable } from '../values/printable.ts';

/** What a hold covers: a cluster, a batch of migrations, a stage of rollouts, or every cluster of this account and Region. */
export type HoldScope =
  | { kind: 'all' }
  | { kind: 'cluster'; cluster: string }
  | { kind: 'batch'; batch: string }
  | { kind: 'stage'; stage: string };

/**
 * The SSM parameters of all holds are below this path. Their history and CloudTrail record who held what.
 * https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html
 */
export const HOLDS_PATH = '/nightshift/holds';
const CLUSTERS = `${HOLDS_PATH}/clusters/`;
const BATCHES = `${HOLDS_PATH}/batches/`;
const STAGES = `${HOLDS_PATH}/stages/`;
const ALL = `${HOLDS_PATH}/all`;

const moment = 'must be a moment in UTC such as 2026-11-21T07:00:00Z';

/** The value of a hold's parameter, as JSON. Without `until` a hold is in force until somebody releases it. */
export const Hold = z.strictObject({
  reason: printable(300),
  by: printable(512),
  since: z.iso.datetime({ error: moment }),
  until: z.nullable(z.iso.datetime({ error: moment })),
});
export type Hold = z.output<typeof Hold>;

/** One parameter below `HOLDS_PATH`, as SSM returns it. */
export interface HoldParameter {
  name: string;
  value: string;
}

/** A hold that is in force. `until` is null if its parameter does not say, or cannot be read. */
export type ActiveHold = Hold & { scope: HoldScope['kind'] };

/** The name of the parameter that holds `scope`. */
export function holdParameter(scope: HoldScope): string {
  switch (scope.kind) {
    case 'all':
      return ALL;
    case 'cluster':
      return `${CLUSTERS}${scope.cluster}`;
    case 'batch':
      return `${BATCHES}${scope.batch}`;
    case 'stage':
      return `${STAGES}${scope.stage}`;
    default:
      return assertNever(scope);
  }
}

/** The scope that a parameter holds; null for a name that is none of nightshift's. */
export function scopeOf(parameter: string): HoldScope | null {
  if (parameter === ALL) return { kind: 'all' };
  if (parameter.startsWith(BATCHES)) return { kind: 'batch', batch: parameter.slice(BATCHES.length) };
  if (parameter.startsWith(STAGES)) return { kind: 'stage', stage: parameter.slice(STAGES.length) };
  return parameter.startsWith(CLUSTERS) ? { kind: 'cluster', cluster: parameter.slice(CLUSTERS.length) } : null;
}

/** The names of the parameters that can hold a cluster, with its batch and its stage if it has them. */
export function holdsOf(cluster: string, { batch, stage }: { batch?: string; stage?: string } = {}): string[] {
  return [
    holdParameter({ kind: 'all' }),
    holdParameter({ kind: 'cluster', cluster }),
    ...(batch === undefined ? [] : [holdParameter({ kind: 'batch', batch })]),
    ...(stage === undefined ? [] : [holdParameter({ kind: 'stage', stage })]),
  ];
}

/** Whether a parameter holds a batch. */
export const isBatchHold = ({ name }: HoldParameter): boolean => scopeOf(name)?.kind === 'batch';

/**
 * The hold among `parameters` that is in force at `now` and ends last; null if there is none. A parameter that cannot
 * be read holds, too, because its author wanted a hold.
 */
export function holdInForce(parameters: readonly HoldParameter[], now: Date): ActiveHold | null {
  const active = parameters
    .map((parameter) => ({ scope: scopeOf(parameter.name)?.kind ?? ('all' as const), ...holdOf(parameter) }))
    .filter((hold) => isInForce(hold, now));
  const last = ({ until }: ActiveHold) => (until === null ? Number.POSITIVE_INFINITY : Date.parse(until));
  return active.toSorted((one, other) => last(other) - last(one)).at(0) ?? null;
}

/** Whether a hold's end, if it has one, is later than `now`. */
export function isInForce({ until }: Pick<Hold, 'until'>, now: Date): boolean {
  return until === null || new Date(until) > now;
}

/** The hold that a parameter is. One that cannot be read says so as its reason, and has no end. */
export function holdOf({ name, value }: HoldParameter): Hold {
  const read = readHold(value);
  if (read.kind === 'parsed') return read.data;
  const reason = `the SSM parameter ${name} cannot be read: ${read.sentence}`;
  return { reason, by: 'unknown', since: 'unknown', until: null };
}

function readHold(value: string): Parsed<Hold> {
  let json: unknown;
  try {
    json = JSON.parse(value);
  } catch {
    return { kind: 'broken', sentence: 'Its value is not JSON.' };
  }
  return readWith(Hold, json, 'Its value');
}

const HELD: Record<HoldScope['kind'], string> = {
  all: 'all clusters are',
  cluster: 'the cluster is',
  batch: 'its batch is',
  stage: 'its stage is',
};

/** One sentence that says what is held, by whom, why and until when. */
export function holdText({ scope, reason, by, until }: ActiveHold): string {
  return `${HELD[scope]} on hold ${until === null ? 'until the hold is released' : `until ${until}`} (${reason}; held by ${by})`;
}
