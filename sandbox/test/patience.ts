/** The limit of waits in real time: it ends a wait for something that never comes, even on a busy machine. */
export const PATIENT = { timeout: 600_000, interval: 200 } as const;
