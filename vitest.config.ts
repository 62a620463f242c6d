import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const source = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  resolve: {
    alias: [
      { find: /^alignflow$/, replacement: source('pipeline/index.ts') },
      { find: /^alignflow\/operators$/, replacement: source('operators/index.ts') },
      { find: /^alignflow\/stages$/, replacement: source('stages/index.ts') },
      { find: /^alignflow\/models$/, replacement: source('stages/models/index.ts') },
      { find: /^alignflow\/testing$/, replacement: source('test/kit/index.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/seed.ts'],
    // TensorFlow and sharp use threads of their own; two processes at once are what two cores bear.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
