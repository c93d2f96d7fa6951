import type { IncomingMessage } from 'node:http';
import type { Logger } from 'pino';
import { anyone, type Caller } from '../../access/index.ts';
import { AllowedOrigins } from '../origin/allowed-origins.ts';
import { ServedHosts } from '../origin/served-hosts.ts';
import { Looks } from '../rates/looks.ts';
import { type Client, RateLimiter } from '../rates/rate-limiter.ts';
import type { BucketStore } from '../rates/shared-buckets.ts';
import { ResponseHeaders } from '../response-headers.ts';
import { ClientAddresses } from './client-addresses.ts';
import { ConnectionLimits } from './connection-limits.ts';
import type { ConnectionTimes, GuardOptions } from './guard-options.ts';
import { noRefusals, type Refusals } from './refusals.ts';
import { Room } from './room.ts';
import { Subscriptions } from './subscriptions.ts';

const defaultTimes: Required<ConnectionTimes> = {
  headersMs: 10_000, // 10 seconds
  requestMs: 30_000, // 30 seconds
  keepAliveMs: 65_000, // 65 seconds
  answerMs: 30_000, // 30 seconds
};

/** What a guard works with. */
export interface GuardSurroundings {
  /** Where rates are counted; null, the default: by this process alone. */
  readonly store?: BucketStore | null;
  readonly log?: Logger;
  /** Whether nobody is asked who they are, and only this machine can reach it; default: no. */
  readonly isOpenHere?: boolean;
}

/** Who may ask a server, and how much: what each part of it goes by. */
export class Guard {
  readonly origins: AllowedOrigins;
  readonly hosts: ServedHosts;
  readonly headers: ResponseHeaders;
  readonly addresses: ClientAddresses;
  readonly connections: ConnectionLimits;
  readonly subscriptions: Subscriptions;
  /** What requests under way may take of memory. */
  readonly room: Room;
  readonly times: Required<ConnectionTimes>;
  /** Null: there are no such limits, and nothing is done for them. */
  readonly rates: RateLimiter | null;
  readonly #looks: Looks | null;
  /** What was refused because there was too much of it. */
  readonly refusals: Refusals = noRefusals();

  constructor(options: GuardOptions = {}, { store = null, log, isOpenHere = false }: GuardSurroundings = {}) {
    const {
      corsOrigins,
      hosts = null,
      hstsSeconds = null,
      trustedProxies,
      clientSubscriptions,
      requestRoomBytes,
      times,
    } = options;
    this.origins = new AllowedOrigins(corsOrigins);
    const isProxied = (trustedProxies ?? []).length > 0; // and may be asked by whichever name its proxy was asked
    this.hosts = new ServedHosts({
      any: hosts === null && (!isOpenHere || isProxied),
      names: hosts,
      origins: corsOrigins,
    });
    this.headers = new ResponseHeaders({ origins: this.origins, hstsSeconds });
    this.addresses = new ClientAddresses(trustedProxies);
    this.connections = new ConnectionLimits(options, { addresses: this.addresses, refusals: this.refusals });
    this.subscriptions = new Subscriptions(clientSubscriptions, this.refusals);
    this.room = new Room(requestRoomBytes);
    this.times = { ...defaultTimes, ...times };
    const { requestsPerSecond = null, costPerSecond = null } = options;
    const isLimited = requestsPerSecond !== null || costPerSecond !== null;
    const limits = { requestsPerSecond, costPerSecond };
    const onAway = (error: unknown) =>
      log?.warn({ err: error }, 'Rates cannot be counted in Valkey: each process counts');
    this.rates = isLimited ? new RateLimiter({ limits, store, refusals: this.refusals, onAway }) : null;
    this.#looks = requestsPerSecond === null ? null : new Looks(requestsPerSecond, this.refusals);
  }

  /** By whom a request is counted: by its key or token, or, where nobody is asked who they are, by its address. */
  clientOf(caller: Caller | null, address: string): Client {
    return caller === null || caller === anyone ? { name: address } : { name: `caller ${caller.id}` };
  }

  /** By whom a request is counted that came by HTTP. */
  clientOfRequest(caller: Caller | null, request: IncomingMessage): Client {
    return this.clientOf(caller, this.addresses.ofRequest(request));
  }

  /** By which it goes whether the signature of a token that came so is looked at; null: it always is, as where another worker has counted it. */
  looksFor({ socket }: IncomingMessage): Looks | null {
    return this.addresses.isWorker(socket) ? null : this.#looks;
  }

  /**
   * Counts a request. What another worker hands over was counted there.
   * @param caller null: whoever has yet to be found out, or never will be; then it is counted by the address.
   * @returns 0, or after how many milliseconds it may come again.
   */
  countRequest(caller: Caller | null, request: IncomingMessage): number | Promise<number> {
    if (this.rates === null || this.addresses.isWorker(request.socket)) return 0;
    return this.rates.request(this.clientOfRequest(caller, request));
  }
}
