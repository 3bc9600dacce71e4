import * as z from 'zod/mini';
import { readWith } from '../values/parse-input.ts';
import { printable } from '../values/printable.ts';

/** What a hold covers: one cluster, or every cluster of this account and Region. */
export type HoldScope = { kind: 'all' } | { kind: 'cluster'; cluster: string };

/**
 * The SSM parameters of all holds are below this path. Their history and CloudTrail record who held what.
 * https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html
 */
export const HOLDS_PATH = '/nightshift/holds';
const CLUSTERS = `${HOLDS_PATH}/clusters/`;
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
export interface ActiveHold {
  scope: 'all' | 'cluster';
  reason: string;
  by: string;
  until: string | null;
}

/** The name of the parameter that holds `scope`. */
export function holdParameter(scope: HoldScope): string {
  return scope.kind === 'all' ? ALL : `${CLUSTERS}${scope.cluster}`;
}

/** The scope that a parameter holds; null for a name that is none of nightshift's. */
export function scopeOf(parameter: string): HoldScope | null {
  if (parameter === ALL) return { kind: 'all' };
  return parameter.startsWith(CLUSTERS) ? { kind: 'cluster', cluster: parameter.slice(CLUSTERS.length) } : null;
}

/** The names of the parameters that can hold a cluster. */
export function holdsOf(cluster: string): string[] {
  return [holdParameter({ kind: 'all' }), holdParameter({ kind: 'cluster', cluster })];
}

/**
 * The hold among `parameters` that is in force at `now` and ends last; null if there is none. A parameter that cannot
 * be read holds, too, because its author wanted a hold.
 */
export function holdInForce(parameters: readonly HoldParameter[], now: Date): ActiveHold | null {
  const active = parameters.map(activeHold).filter(({ until }) => until === null || new Date(until) > now);
  const last = ({ until }: ActiveHold) => (until === null ? Number.POSITIVE_INFINITY : Date.parse(until));
  return active.toSorted((one, other) => last(other) - last(one)).at(0) ?? null;
}

function activeHold({ name, value }: HoldParameter): ActiveHold {
  const scope = scopeOf(name)?.kind ?? 'all';
  const read = readHold(value);
  if (read.kind === 'parsed') {
    const { reason, by, until } = read.data;
    return { scope, reason, by, until };
  }
  return { scope, reason: `the SSM parameter ${name} cannot be read: ${read.sentence}`, by: 'unknown', until: null };
}

/** Reads a hold parameter's value. */
export function readHold(value: string): ReturnType<typeof readWith<Hold>> {
  let json: unknown;
  try {
    json = JSON.parse(value);
  } catch {
    return { kind: 'broken', sentence: 'Its value is not JSON.' };
  }
  return readWith(Hold, json, 'Its value');
}

/** One sentence that says what is held, by whom, why and until when. */
export function holdText({ scope, reason, by, until }: ActiveHold): string {
  const held = scope === 'all' ? 'all clusters are on hold' : 'the cluster is on hold';
  return `${held} ${until === null ? 'until the hold is released' : `until ${until}`} (${reason}; held by ${by})`;
}
