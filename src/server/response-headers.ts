import type { AllowedOrigins } from './origin/allowed-origins.ts';

export interface ResponseHeaderOptions {
  readonly origins: AllowedOrigins;
  /** How long browsers are to come by TLS alone; null: nothing is said, for there may be no TLS before us. */
  readonly hstsSeconds: number | null;
}

/** The headers of responses to one origin. */
export interface HeadersOfOrigin {
  /** Names and values in turn. */
  readonly pairs: readonly string[];
  /** All of them, those by default too, as they stand in a head; each line is ended. */
  readonly lines: string;
}

/** Features are of the moment and of whoever asked; what may be kept says so itself. */
export const defaultCacheControl = 'no-store';

/** What every response bears, whichever way it is answered; said once, and put together once for each origin that is allowed. */
export class ResponseHeaders {
  /** Whether the response depends on the page that asks. */
  readonly variesByOrigin: boolean;
  readonly #origins: AllowedOrigins;
  readonly #always: readonly string[];
  readonly #ofOthers: HeadersOfOrigin;
  readonly #ofListed = new Map<string, HeadersOfOrigin>();

  constructor({ origins, hstsSeconds }: ResponseHeaderOptions) {
    this.#origins = origins;
    this.variesByOrigin = !origins.isEmpty;
    this.#always = [
      // What was recorded under any name is not to be taken for a script or a page.
      ...['x-content-type-options', 'nosniff'],
      // An address may hold a query, with ids in it.
      ...['referrer-policy', 'no-referrer'],
      // No page of another origin embeds an answer, and so has it in its process. Of what CORS allows it says nothing.
      ...['cross-origin-resource-policy', 'same-origin'],
      ...(hstsSeconds === null ? [] : ['strict-transport-security', `max-age=${hstsSeconds}`]),
    ];
    this.#ofOthers = this.#together([]);
  }

  /** @param origin of the page that asks, as the browser has it. */
  to(origin: string | undefined): HeadersOfOrigin {
    if (!this.variesByOrigin || !this.#origins.lists(origin)) return this.#ofOthers;
    const known = this.#ofListed.get(origin);
    if (known) return known;
    const allowed = [
      ...['access-control-allow-origin', origin],
      ...['access-control-expose-headers', 'retry-after, x-request-id'],
    ];
    const made = this.#together(allowed);
    this.#ofListed.set(origin, made);
    return made;
  }

  #together(more: readonly string[]): HeadersOfOrigin {
    const pairs = [...this.#always, ...more];
    const byDefault = ['cache-control', defaultCacheControl, ...(this.variesByOrigin ? ['vary', 'origin'] : [])];
    return { pairs, lines: linesOf([...pairs, ...byDefault]) };
  }
}

function linesOf(pairs: readonly string[]): string {
  return pairs.map((text, i) => text + (i % 2 === 0 ? ': ' : '\r\n')).join('');
}
