/** Whom a server lets in, and how much of it each may have. */
export interface GuardOptions {
  /** Of other pages that may speak to the API, as browsers write them; default: none. */
  readonly corsOrigins?: readonly string[];
  /** How long browsers are to come by TLS alone, where TLS stands before us; null, the default: nothing is said of it. */
  readonly hstsSeconds?: number | null;
}
