import type { IncomingMessage, ServerResponse } from 'node:http';
import { fileURLToPath } from 'node:url';
import sirv from 'sirv';
import { send, sendProtocolError } from '../http/http-response.ts';

const built = fileURLToPath(new URL('../../../dist/dashboard/', import.meta.url));

/** All that the page needs comes from here, and nothing may frame it. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Of the page that says there is none, which brings its style with it. */
const notBuiltPolicy = policy.replace("style-src 'self'", "style-src 'unsafe-inline'");

const notBuilt = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Freshet</title>
<style>body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem }</style>
<h1>The dashboard is not built</h1>
<p><code>npm start</code> builds it, and so does <code>npm run dashboard</code>; then load this page again.</p>
<p>The API is here all the same: <a href="./graphql">GraphiQL</a>, <a href="./readyz">/readyz</a>.</p>
</html>
`;

const files = sirv(built, {
  // Looks at the files each time: they may be built, or built anew, while this runs.
  dev: true,
  etag: true,
  setHeaders: (response, path) => {
    // The names of assets change with what is in them.
    const forGood = path.startsWith('/assets/');
    response.setHeader('cache-control', forGood ? 'public, max-age=31536000, immutable' : 'no-cache');
    response.setHeader('content-security-policy', policy);
  },
});

/** Whether it is where the live page is, or a file of it. */
export function isDashboardPath(path: string): boolean {
  return path === '/' || /^\/assets\/[\w-]+(\.[\w-]+)+$/.test(path);
}

/** Answers with the page, or a file of it. */
export function serveDashboard(path: string, request: IncomingMessage, response: ServerResponse): void {
  request.url = path; // it is read anew there, and may be a whole address
  // These files are small; and of a range that is none, sirv makes an error.
  request.headers.range = undefined;
  files(request, response, () => {
    if (path === '/') {
      response.setHeader('content-security-policy', notBuiltPolicy);
      send(response, 503, 'text/html; charset=utf-8', notBuilt);
    } else sendProtocolError(response, 404, 'The dashboard has no such file');
  });
}
