/** For what a test waits for in real time: it finds what never comes, and a busy machine is never too slow for it. */
export const PATIENT = { timeout: 600_000, interval: 200 } as const;
