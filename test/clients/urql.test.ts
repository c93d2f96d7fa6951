import { Client, type CombinedError, type ExecutionResult, fetchExchange, subscriptionExchange } from '@urql/core';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ApiClient } from '../support/api.ts';
import { until } from '../support/until.ts';
import { ClientRig, newUser, payment, recordPayment, type WatchedUsers, watchUsers } from './client-rig.ts';
import { newSseClient, newWsClient } from './transports.ts';
import { Seen, type UsedClient, watchesLikeAnyOther } from './watches.ts';

/** As its documentation has it: queries and mutations by fetch, subscriptions by another client. */
function connect(
  api: ApiClient,
  transport: ReturnType<typeof newSseClient> | ReturnType<typeof newWsClient>,
): UsedClient {
  const client = new Client({
    url: api.graphqlUrl,
    preferGetMethod: false,
    exchanges: [
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query = '', variables = {} }) => ({
          subscribe: (sink) => ({
            unsubscribe: transport.subscribe(
              { query, variables },
              {
                next: (result) => sink.next(result as ExecutionResult),
                error: (error) => sink.error(error),
                complete: () => sink.complete(),
              },
            ),
          }),
        }),
      }),
    ],
  });
  return {
    watch: (userIds, seen) =>
      client.subscription<WatchedUsers>(watchUsers, { userIds }).subscribe(({ data, error }) => {
        seen.updates.push(...(data?.userRiskProfileUpdated ?? []));
        if (error) seen.errors.push(error);
      }).unsubscribe,
    async record(userId) {
      const { data } = await client.mutation(recordPayment, payment(userId));
      return data.recordTransaction.status;
    },
    close: () => void transport.dispose(),
  };
}

describe.each([
  ['graphql-ws', (api: ApiClient) => connect(api, newWsClient(api))],
  ['graphql-sse, distinct connections', (api: ApiClient) => connect(api, newSseClient(api))],
  ['graphql-sse, a single connection', (api: ApiClient) => connect(api, newSseClient(api, true))],
] as const)('over %s', (transport, connectBy) => {
  watchesLikeAnyOther(`urql over ${transport}`, connectBy);

  it('its users see errors as one combined error, beside the data that there is', async () => {
    const rig = await ClientRig.open();
    const client = connectBy(rig.api);
    onTestFinished(() => client.close());
    const [badId, tooMany] = [new Seen(), new Seen()];
    client.watch([newUser(), 'bad\n'], badId);
    await until(() => badId.errors.length === 1);
    expect(badId.updates).toMatchObject([{ user: { riskProfile: {} } }, { user: { riskProfile: null } }]);
    expect((badId.errors[0] as CombinedError).graphQLErrors).toMatchObject([
      { path: ['userRiskProfileUpdated', 1, 'user', 'riskProfile'], extensions: { code: 'ID_INVALID' } },
    ]);
    client.watch(Array(1_001).fill('u'), tooMany);
    // Of a result that is the only one, this version of it tells twice.
    await until(() => tooMany.errors.length > 0);
    expect((tooMany.errors[0] as CombinedError).graphQLErrors).toMatchObject([
      { extensions: { code: 'TOO_MANY_IDS' } },
    ]);
    expect(tooMany.updates).toEqual([]);
  });
});
