/** Whom a server lets in, and how much of it each may have. */
export interface GuardOptions {
  /** Of other pages that may speak to the API, as browsers write them; default: none. */
  readonly corsOrigins?: readonly string[];
  /**
   * By which names it may be asked besides those of this machine, in lower case; null, the default: by any, but where nobody is asked who
   * they are and only this machine can reach it.
   */
  readonly hosts?: readonly string[] | null;
  /** How long browsers are to come by TLS alone, where TLS stands before us; null, the default: nothing is said of it. */
  readonly hstsSeconds?: number | null;
  /** Addresses, and ranges such as `10.0.0.0/8`, of proxies that are believed whom they forward for; default: none. */
  readonly trustedProxies?: readonly string[];
  /** How many connections there may be; null, the default: what the limit of open files leaves room for. */
  readonly maxConnections?: number | null;
  /** How many a client may have; null, the default: half of all. */
  readonly clientConnections?: number | null;
  /** How many subscriptions a client may have, on all its sockets and streams; default 20,000. */
  readonly clientSubscriptions?: number;
  /** What requests under way may take of memory, those of a client half of it; default: a quarter of what Node lets its heap grow to. */
  readonly requestRoomBytes?: number;
  readonly times?: ConnectionTimes;
  /** How many requests a client may send a second; null, the default: as many as it likes. */
  readonly requestsPerSecond?: number | null;
  /** How much its operations may cost a second (see `operationCost`); null, the default: as much as it likes. */
  readonly costPerSecond?: number | null;
}

/** How long whoever is connected may keep us waiting, in milliseconds. */
export interface ConnectionTimes {
  /** For the head of a request; default 10 s. */
  readonly headersMs?: number;
  /** For all of a request; default 30 s. */
  readonly requestMs?: number;
  /** From one request to the next; default 65 s, longer than the minute after which most load balancers let go. */
  readonly keepAliveMs?: number;
  /** Without taking anything of an answer; default 30 s. */
  readonly answerMs?: number;
}
