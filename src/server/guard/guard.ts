import { AllowedOrigins } from '../origin/allowed-origins.ts';
import { ResponseHeaders } from '../response-headers.ts';
import { ClientAddresses } from './client-addresses.ts';
import { ConnectionLimits } from './connection-limits.ts';
import type { ConnectionTimes, GuardOptions } from './guard-options.ts';
import { noRefusals, type Refusals } from './refusals.ts';
import { Subscriptions } from './subscriptions.ts';

const defaultTimes: Required<ConnectionTimes> = {
  headersMs: 10_000, // 10 seconds
  requestMs: 30_000, // 30 seconds
  keepAliveMs: 65_000, // 65 seconds
  answerMs: 30_000, // 30 seconds
};

/** Who may ask a server, and how much: what each part of it goes by. */
export class Guard {
  readonly origins: AllowedOrigins;
  readonly headers: ResponseHeaders;
  readonly addresses: ClientAddresses;
  readonly connections: ConnectionLimits;
  readonly subscriptions: Subscriptions;
  readonly times: Required<ConnectionTimes>;
  /** What was refused because there was too much of it. */
  readonly refusals: Refusals = noRefusals();

  constructor(options: GuardOptions = {}) {
    const { corsOrigins, hstsSeconds = null, trustedProxies, clientSubscriptions, times } = options;
    this.origins = new AllowedOrigins(corsOrigins);
    this.headers = new ResponseHeaders({ origins: this.origins, hstsSeconds });
    this.addresses = new ClientAddresses(trustedProxies);
    this.connections = new ConnectionLimits(options, { addresses: this.addresses, refusals: this.refusals });
    this.subscriptions = new Subscriptions(clientSubscriptions, this.refusals);
    this.times = { ...defaultTimes, ...times };
  }
}
