import { createHash } from 'node:crypto';
import type { Region, Settling } from '../region.ts';

/** Of the requests that a settling grant allows, so many are refused. */
const REFUSED = 0.4;

/** What a grant made now begins as; undefined in a world whose grants count at once. */
export function startSettling({ clock, latencies, random }: Region): Settling | undefined {
  if (latencies.grant <= 0) return undefined;
  const salt = random();
  const seconds = latencies.grant * (0.8 + 0.4 * salt);
  return { until: new Date(clock.now().getTime() + seconds * 1000), salt };
}

/**
 * Whether the API server still refuses what the grant allows. EKS's authorizers learn of a grant one after the other, so
 * that for some seconds a 403 comes and goes: https://github.com/gravitational/teleport/pull/37958
 * The same attempt at the same moment of the sandbox's time has the same answer for the same seed: neither the order nor
 * the number of requests, which a busy machine may change, counts.
 */
export function stillRefused(settling: Settling | undefined, attempt: string, now: Date): boolean {
  if (settling === undefined || now >= settling.until) return false;
  const digest = createHash('sha256').update(`${settling.salt} ${attempt} ${now.getTime()}`).digest();
  return digest.readUInt32BE() / 2 ** 32 < REFUSED;
}
