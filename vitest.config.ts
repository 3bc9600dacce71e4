import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    // The sandbox runs bundles in worker threads and kernel nodes in QEMU: a test may wait for a machine to boot.
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
