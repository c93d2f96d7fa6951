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
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
