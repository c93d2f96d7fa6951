import type { IncomingHttpHeaders } from 'node:http';

/**
 * Whose pages may speak to the API: those of its own origin, and those that are listed. A browser lets a page of any origin send some
 * requests unasked, and says in headers that no page can set whose it was. Other clients say nothing, and are nobody's page.
 */
export class AllowedOrigins {
  readonly #listed: ReadonlySet<string>;

  /** @param listed as browsers write them: scheme, host, and port unless it is the scheme's own. */
  constructor(listed: readonly string[] = []) {
    this.#listed = new Set(listed);
  }

  /** Whether there is anyone but the API's own pages. */
  get isEmpty(): boolean {
    return this.#listed.size === 0;
  }

  /** Whether it is listed. */
  lists(origin: string | undefined): origin is string {
    return origin !== undefined && this.#listed.has(origin);
  }

  /** Whether a request that needs no leave of ours was sent by a page that may not. Browsers say so since 2023, of secure pages. */
  isForeign({ origin, 'sec-fetch-site': site }: IncomingHttpHeaders): boolean {
    return (site === 'cross-site' || site === 'same-site') && !this.lists(origin);
  }

  /** Whether a handshake may go on: browsers ask nobody's leave to open a WebSocket, and say which page it was. */
  mayConnect(headers: IncomingHttpHeaders): boolean {
    const { origin } = headers;
    if (origin === undefined || this.lists(origin)) return true;
    const host = URL.parse(origin)?.host;
    return host !== undefined && (host === headers.host || host === headers['x-forwarded-host']);
  }
}
