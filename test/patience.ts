/**
 * For what a test waits for in real time: a process that starts, an event that arrives. It finds what never comes, and a
 * machine with other work is never too slow for it.
 */
export const PATIENT = { timeout: 600_000, interval: 200 } as const;
