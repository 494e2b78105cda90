import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Two cores, and files that spend their time computing: threads cost less than processes.
    pool: 'threads',
    maxWorkers: 2,
    testTimeout: 120_000,
    reporters: ['default', ['json', { outputFile: '.cache/vitest.json' }]],
  },
});
