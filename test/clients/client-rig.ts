import { randomUUID } from 'node:crypto';
import { Redis } from 'iovalkey';
import { inject, onTestFinished } from 'vitest';
import { type ApiClient, startApi, type TestApi } from '../support/api.ts';
import { until } from '../support/until.ts';

export interface SeenUpdate {
  readonly cause: string;
  readonly user: {
    readonly id: string;
    readonly riskProfile: { readonly txnCount1h: number; readonly freshness: { readonly revision: string } } | null;
  };
}

export interface WatchedUsers {
  readonly userRiskProfileUpdated: readonly SeenUpdate[];
}

/** What a client has, and asks to be told no more of. */
export type Known = readonly { readonly id: string; readonly revision: string }[];

export const watchUsers = `
  subscription WatchUsers($userIds: [ID!]!, $since: [KnownRevisionInput!]) {
    userRiskProfileUpdated(userIds: $userIds, since: $since) {
      cause
      user { id riskProfile { id txnCount1h freshness { revision } } }
    }
  }
`;

export const recordPayment = `
  mutation Record($input: TransactionInput!) {
    recordTransaction(input: $input) { status }
  }
`;

export function payment(userId: string) {
  return { input: { transactionId: randomUUID(), userId, merchantId: 'm', amount: 2 } };
}

/** An API that clients watch, and that may go away and come back at the same address. */
export class ClientRig {
  api: TestApi;
  readonly #valkey: Redis;

  private constructor(api: TestApi, valkey: Redis) {
    this.api = api;
    this.#valkey = valkey;
  }

  /** Opens one until the test is over. */
  static async open(): Promise<ClientRig> {
    const rig = new ClientRig(await startApi(), new Redis(inject('valkeyUrl')));
    onTestFinished(async () => {
      rig.#valkey.disconnect();
      await rig.api.stop();
    });
    return rig;
  }

  /** Ends the API, does what happens meanwhile, and starts another in its place. */
  async restart(how: 'in good order' | 'at once', meanwhile: (other: ApiClient) => Promise<void>): Promise<void> {
    const { keyPrefix, url } = this.api;
    if (how === 'at once') await this.api.stop();
    else await this.api.leave();
    const other = await startApi({ keyPrefix });
    await meanwhile(other);
    await other.stop();
    this.api = await startApi({ keyPrefix, port: Number(new URL(url).port) });
  }

  /** How many subscribers Valkey has for what changes of this user: one for each API, however many watch it there. */
  async listeningFor(userId: string): Promise<number> {
    const [channel] = (await this.#channels()).filter((name) => name.includes(`{${userId}}`));
    if (channel === undefined) return 0;
    const [, count] = (await this.#valkey.pubsub('NUMSUB', channel)) as [string, number];
    return Number(count);
  }

  /** Waits until nothing is watched any more, neither here nor at Valkey. */
  async nothingWatched(): Promise<void> {
    const { hub } = this.api.backend.current();
    await until(() => hub.load.subscriptions === 0 && hub.load.entities === 0);
    await until(async () => (await this.#channels()).length === 0);
  }

  /** All but that of the canary, which is the API’s own. */
  async #channels(): Promise<string[]> {
    return (await this.#valkey.pubsub('CHANNELS', `*${this.api.keyPrefix}:v1:*`)) as string[];
  }
}

export function newUser(): string {
  return `user-${randomUUID()}`;
}
