import { createHash } from 'node:crypto';
import { parseExpression } from './expressions.ts';

const HASHES: Record<string, string> = {
  MD5: 'md5',
  'SHA-1': 'sha1',
  'SHA-256': 'sha256',
  'SHA-384': 'sha384',
  'SHA-512': 'sha512',
};
/** Longest `$range`, in elements. */
const RANGE_LIMIT = 360_145;

function partition(items: unknown, size: unknown): unknown {
  const list = Array.isArray(items) ? items : items === undefined ? [] : [items];
  const length = typeof size === 'number' ? Math.trunc(size) : 0;
  if (length <= 0 || list.length === 0) return undefined;
  return Array.from({ length: Math.ceil(list.length / length) }, (_, index) =>
    list.slice(index * length, (index + 1) * length),
  );
}

function range(start: unknown, end: unknown, step: unknown): unknown {
  if (typeof start !== 'number' || typeof end !== 'number' || typeof step !== 'number') return undefined;
  const [first, last, by] = [Math.trunc(start), Math.trunc(end), Math.trunc(step)];
  if (by === 0) return undefined;
  const count = Math.floor((last - first) / by) + 1;
  if (count <= 0) return undefined;
  if (count > RANGE_LIMIT) throw new Error('Expression evaluation memory limit exceeded');
  return count === 1 ? first : Array.from({ length: count }, (_, index) => first + index * by);
}

function hash(text: unknown, algorithm: unknown): unknown {
  if (typeof text !== 'string' || typeof algorithm !== 'string') return undefined;
  const name = HASHES[algorithm];
  if (name === undefined) throw new Error(`$hash: unknown algorithm '${algorithm}'`);
  return createHash(name).update(text).digest('hex');
}

/** Mulberry32: the same seed gives the same number. */
function seeded(seed: number): number {
  let state = (seed + 0x6d2b79f5) | 0;
  state = Math.imul(state ^ (state >>> 15), state | 1);
  state ^= state + Math.imul(state ^ (state >>> 7), state | 61);
  return ((state ^ (state >>> 14)) >>> 0) / 2 ** 32;
}

/** A version 4 UUID from a source of numbers 0 ≤ n < 1. */
export function uuid(random: () => number): string {
  return 'xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx'.replaceAll(/[xy]/g, (digit) => {
    const value = Math.floor(random() * 16);
    return (digit === 'x' ? value : (value & 3) | 8).toString(16);
  });
}

function shuffle(items: unknown, random: () => number): unknown {
  if (!Array.isArray(items)) return items;
  const list = [...items];
  for (let index = list.length - 1; index > 0; index -= 1) {
    const other = Math.floor(random() * (index + 1));
    [list[index], list[other]] = [list[other], list[index]];
  }
  return list;
}

/**
 * The functions that Step Functions adds to JSONata, and those of JSONata's own that would read the machine's clock or
 * its random numbers.
 * https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
 */
export function stepFunctionsFunctions(now: () => Date, random: () => number): Record<string, unknown> {
  const format = parseExpression('$fromMillis($millis, $picture, $timezone)');
  return {
    partition,
    range,
    hash,
    shuffle: (items: unknown) => shuffle(items, random),
    random: (seed?: unknown) => (typeof seed === 'number' ? seeded(Math.trunc(seed)) : random()),
    uuid: () => uuid(random),
    parse: (text: unknown) => (typeof text === 'string' ? JSON.parse(text) : undefined),
    millis: () => now().getTime(),
    now: (picture?: unknown, timezone?: unknown) =>
      picture === undefined
        ? now().toISOString()
        : format.evaluate(undefined, { millis: now().getTime(), picture, timezone }),
  };
}
