import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: {
    // Vitest takes graphql's ES module, and Node, which loads Pothos and Yoga, its CommonJS twin: a type of one is no
    // type to the other. So everyone gets the twin.
    alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }],
  },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/valkey-server.ts'],
    // Vitest leaves a core to itself, which on a machine of two halves the speed: tests wait for Valkey more than they compute.
    maxWorkers: '100%',
    // Most of what a process that a test starts computes is its own source, each time the same.
    env: { NODE_COMPILE_CACHE: fileURLToPath(new URL('node_modules/.cache/compiled', import.meta.url)) },
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
