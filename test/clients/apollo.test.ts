import {
  ApolloClient,
  ApolloLink,
  CombinedGraphQLErrors,
  gql,
  HttpLink,
  InMemoryCache,
  Observable,
} from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { OperationTypeNode, print } from 'graphql';
import type { Client as SseClient } from 'graphql-sse';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ApiClient } from '../support/api.ts';
import { until } from '../support/until.ts';
import { ClientRig, newUser, payment, recordPayment, type WatchedUsers, watchUsers } from './client-rig.ts';
import { newSseClient, newWsClient } from './transports.ts';
import { Seen, type UsedClient, watchesLikeAnyOther } from './watches.ts';

/** Apollo Client has no link for graphql-sse of its own. */
class SseLink extends ApolloLink {
  readonly #client: SseClient;

  constructor(client: SseClient) {
    super();
    this.#client = client;
  }

  override request({ query, operationName, variables }: ApolloLink.Operation): Observable<ApolloLink.Result> {
    return new Observable((sink) =>
      this.#client.subscribe<ApolloLink.Result['data'] & object>(
        { query: print(query), ...(operationName && { operationName }), variables },
        {
          next: (result) => sink.next(result as ApolloLink.Result),
          error: (error) => sink.error(error),
          complete: () => sink.complete(),
        },
      ),
    );
  }
}

/** As its documentation has it: queries and mutations by HTTP, subscriptions by another link. */
function connect(api: ApiClient, subscriptions: ApolloLink, dispose: () => void): UsedClient {
  const client = new ApolloClient({
    cache: new InMemoryCache({
      typePolicies: { Subscription: { fields: { userRiskProfileUpdated: { merge: false } } } },
    }),
    link: ApolloLink.split(
      ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
      subscriptions,
      new HttpLink({ uri: api.graphqlUrl }),
    ),
  });
  return {
    watch: (userIds, seen) => {
      const watched = client.subscribe<WatchedUsers>({
        query: gql(watchUsers),
        variables: { userIds },
        errorPolicy: 'all',
      });
      const subscription = watched.subscribe({
        next: ({ data, error }) => {
          seen.updates.push(...(data?.userRiskProfileUpdated ?? []));
          if (error) seen.errors.push(error);
        },
        complete: () => {
          seen.ended = true;
        },
      });
      return () => subscription.unsubscribe();
    },
    async record(userId) {
      const { data } = await client.mutate<{ recordTransaction: { status: string } }>({
        mutation: gql(recordPayment),
        variables: payment(userId),
      });
      return data?.recordTransaction.status ?? 'nothing';
    },
    close: () => {
      client.stop();
      dispose();
    },
  };
}

function overWebSocket(api: ApiClient): UsedClient {
  const client = newWsClient(api);
  return connect(api, new GraphQLWsLink(client), () => client.dispose());
}

function overSse(api: ApiClient, singleConnection: boolean): UsedClient {
  const client = newSseClient(api, singleConnection);
  return connect(api, new SseLink(client), () => client.dispose());
}

describe.each([
  ['graphql-ws', overWebSocket],
  ['graphql-sse, distinct connections', (api: ApiClient) => overSse(api, false)],
  ['graphql-sse, a single connection', (api: ApiClient) => overSse(api, true)],
] as const)('over %s', (transport, connectBy) => {
  watchesLikeAnyOther(`Apollo Client over ${transport}`, connectBy);

  it('its users see errors as one combined error, beside the data that there is if they ask for all', async () => {
    const rig = await ClientRig.open();
    const client = connectBy(rig.api);
    onTestFinished(() => client.close());
    const [badId, tooMany] = [new Seen(), new Seen()];
    client.watch([newUser(), 'bad\n'], badId);
    await until(() => badId.errors.length === 1);
    expect(badId.updates).toMatchObject([{ user: { riskProfile: {} } }, { user: { riskProfile: null } }]);
    expect(badId.errors[0]).toBeInstanceOf(CombinedGraphQLErrors);
    expect((badId.errors[0] as CombinedGraphQLErrors).errors).toMatchObject([
      { path: ['userRiskProfileUpdated', 1, 'user', 'riskProfile'], extensions: { code: 'ID_INVALID' } },
    ]);
    client.watch(Array(1_001).fill('u'), tooMany);
    await until(() => tooMany.errors.length === 1);
    expect((tooMany.errors[0] as CombinedGraphQLErrors).errors).toMatchObject([
      { extensions: { code: 'TOO_MANY_IDS' } },
    ]);
    expect(tooMany.updates).toEqual([]);
  });
});
