import { randomUUID } from 'node:crypto';
import { createClient as createSseClient } from 'graphql-sse';
import { createClient as createWsClient } from 'graphql-ws';
import { afterEach, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { startApi, type TestApi } from '../support/api.ts';
import { ThrowawayValkey } from '../support/throwaway-valkey.ts';
import { until } from '../support/until.ts';

let store: ThrowawayValkey;
let api: TestApi;

afterEach(async () => {
  await api?.stop();
  await store?.destroy();
});

const watch = (beside: string) => `subscription ($ids: [ID!]!, $minIntervalMs: Int!) {
  userRiskProfileUpdated(userIds: $ids, minIntervalMs: $minIntervalMs) {
    cause
    user { riskProfile { txnCount24h ${beside} } }
  }
}`;

interface Profile {
  readonly txnCount24h: number;
}

interface Message {
  readonly data?: {
    readonly userRiskProfileUpdated: readonly { readonly user: { readonly riskProfile: Profile | null } }[];
  };
  readonly errors?: readonly { readonly extensions?: { readonly code?: unknown } }[];
}

/** So long that the store is away before the message of the second event is made. */
const minIntervalMs = 3_000;

const transports = {
  WebSocket: () => createWsClient({ url: api.webSocketUrl, webSocketImpl: WebSocket, retryAttempts: 0 }),
  SSE: () => createSseClient({ url: api.graphqlUrl, retryAttempts: 0 }),
};

it.each(['WebSocket', 'SSE'] as const)(
  'what could not be read beside a vector comes once it can be, by %s, with one word of that it could not',
  async (transport) => {
    store = await ThrowawayValkey.create();
    await store.start();
    api = await startApi({ valkeyUrl: store.url });
    const client = transports[transport]();
    const begin = (query: string, intervalMs: number): string[] => {
      const seen: string[] = [];
      client.subscribe(
        { query, variables: { ids: ['u'], minIntervalMs: intervalMs } },
        {
          next: (message) => {
            const { data, errors } = message as unknown as Message;
            const profile = data?.userRiskProfileUpdated[0]?.user.riskProfile;
            seen.push(profile ? String(profile.txnCount24h) : String(errors?.[0]?.extensions?.code));
          },
          error: () => {},
          complete: () => {},
        },
      );
      return seen;
    };
    // How sure a value is, is read when its message is made; so is another view, or the past.
    const seen = begin(watch('accuracy(features: [txnCount24h]) { exact }'), minIntervalMs);
    const plainly = begin(watch(''), 0);
    const pay = () =>
      api.ask('mutation ($input: TransactionInput!) { recordTransaction(input: $input) { status } }', {
        input: { transactionId: randomUUID(), userId: 'u', merchantId: 'm', amount: 1 },
      });
    await until(() => seen.length === 1);
    await pay();
    await until(() => seen.length === 2);
    await pay();
    await until(() => plainly.includes('2')); // the other's message waits for its time
    await store.stop();
    await until(() => seen.length === 3);
    await store.start();
    await until(() => seen.includes('2'), 20_000);
    expect(seen).toEqual(['0', '1', 'UNAVAILABLE', '2']);
    await client.dispose();
  },
);
