import type { OutageFault } from './kinds.ts';

interface Outage {
  readonly fault: OutageFault;
  /** Milliseconds since the epoch; Infinity for one that never ends. */
  readonly end: number;
}

/** Services that do not answer for a while. */
export class Outages {
  #outages: Outage[] = [];

  clear(): void {
    this.#outages = [];
  }

  begin(fault: OutageFault, now: Date): void {
    const end = fault.for === undefined ? Number.POSITIVE_INFINITY : now.getTime() + fault.for * 1_000;
    this.#outages.push({ fault, end });
  }

  /** Whether a service does not answer this call at this moment. */
  covers({ service, operation }: { service: string; operation: string }, now: Date): boolean {
    return this.#outages.some(
      ({ fault, end }) =>
        fault.outage === service && (fault.operation ?? operation) === operation && now.getTime() < end,
    );
  }

  /** Outages that have not ended, with their end as ISO text, or `ever`. */
  lasting(now: Date): { fault: OutageFault; until: string }[] {
    return this.#outages
      .filter(({ end }) => now.getTime() < end)
      .map(({ fault, end }) => ({
        fault,
        until: end === Number.POSITIVE_INFINITY ? 'ever' : new Date(end).toISOString(),
      }));
  }
}
