import { defineConfig } from 'vitest/config';

const SEARCHES = ['test/search/search.test.ts', 'test/search/fleets/fleets.test.ts'];

export default defineConfig({
  test: {
    pool: 'forks',
    // A sandbox has a thread for each function: with V8's usual space for young objects these collect garbage too often.
    execArgv: ['--min-semi-space-size=16', '--max-semi-space-size=32'],
    // Files share their processes: what they import is loaded once for all of them, and not for each of 150 anew.
    isolate: false,
    // For a test that hangs, and for nothing else: no test has a deadline that a machine with other work would miss.
    testTimeout: 1_800_000,
    hookTimeout: 1_800_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'product',
          include: ['test/**/*.test.ts', 'sandbox/test/**/*.test.ts'],
          exclude: SEARCHES,
          // One more than the cores that CI has: a test waits for processes, machines and connections for part of its time.
          maxWorkers: 3,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        // Afterwards and alone: its own processes use every core.
        test: { name: 'search', include: SEARCHES, maxWorkers: 1, sequence: { groupOrder: 1 } },
      },
    ],
  },
});
