import { defineConfig } from 'vitest/config';

const SEARCH = 'test/search/search.test.ts';

export default defineConfig({
  test: {
    pool: 'forks',
    // Files share their processes: what they import is loaded once for all of them, and not for each of 150 anew.
    isolate: false,
    // The sandbox runs bundles in worker threads and kernel nodes in QEMU: a test may wait for a machine to boot.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'product',
          include: ['test/**/*.test.ts'],
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
