import { defineConfig } from 'vitest/config';

const SEARCH = 'test/search/search.test.ts';

export default defineConfig({
  test: {
    pool: 'forks',
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
          exclude: [SEARCH],
          // More than vitest takes by itself on two cores: a test waits for threads, processes and machines for a good part of its time.
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        // Afterwards and alone: its own processes use every core.
        test: { name: 'search', include: [SEARCH], maxWorkers: 1, sequence: { groupOrder: 1 } },
      },
    ],
  },
});
