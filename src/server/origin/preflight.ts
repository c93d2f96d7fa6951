import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AllowedOrigins } from './allowed-origins.ts';

/** How long a browser need not ask again, in seconds; Chromium keeps no answer longer. */
const keptSeconds = 7_200;
const names = /^[\w-]+( *, *[\w-]+)*$/;
const longestNames = 1_000;

/**
 * Answers a browser that asks, before a page's request, whether it may be sent.
 * @returns false: it is no such question, or no page that is allowed.
 */
export function answerPreflight(
  { method, headers }: IncomingMessage,
  response: ServerResponse,
  { methods, origins }: { readonly methods: readonly string[]; readonly origins: AllowedOrigins },
): boolean {
  const asked = headers['access-control-request-method'];
  if (method !== 'OPTIONS' || asked === undefined || !origins.lists(headers.origin)) return false;
  // Whom we trust to ask anything may do so with any headers. Cookies are none of them: nothing here goes by cookies.
  const named = headers['access-control-request-headers'] ?? '';
  const taken = named.length <= longestNames && names.test(named);
  response.writeHead(204, {
    'access-control-allow-methods': methods.join(', '),
    ...(taken && { 'access-control-allow-headers': named }),
    'access-control-max-age': String(keptSeconds),
  });
  response.end();
  return true;
}
