import type { Region } from '../region.ts';

/** A latency in milliseconds: `seconds` spread by ±20 % with the region's random numbers. */
export function latency(region: Pick<Region, 'random'>, seconds: number): number {
  return Math.round(seconds * 1000 * (0.8 + 0.4 * region.random()));
}

/** The moment that lies `milliseconds` after the region's present. */
export function after(region: Pick<Region, 'clock'>, milliseconds: number): Date {
  return new Date(region.clock.now().getTime() + milliseconds);
}

/** A version 4 UUID from the region's random numbers: the same seed gives the same ids. */
export function uuid(region: Pick<Region, 'random'>): string {
  const hex = Array.from({ length: 32 }, (_, index) => {
    const digit = Math.floor(region.random() * 16);
    if (index === 12) return '4';
    return (index === 16 ? 8 + (digit % 4) : digit).toString(16);
  }).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
