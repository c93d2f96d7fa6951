import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

/** The API that a page under development talks to: `npx vite src/dashboard` serves it with every change at once. */
const api = 'http://127.0.0.1:4000';

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: fileURLToPath(new URL('../../dist/dashboard', import.meta.url)),
    emptyOutDir: true,
    // A data: address would need an exception from the page's own policy of what it loads.
    assetsInlineLimit: 0,
    // Browsers of the last two and a half years: light-dark(), nesting, Set methods.
    target: ['chrome123', 'firefox127', 'safari17.5'],
  },
  server: { proxy: { '/graphql': { target: api, ws: true }, '/schema.graphql': api } },
});
