import { get, type LoadRequest, postJson } from '../load/request.ts';
import { features } from '../peers/features.ts';

/** What is asked of each user. */
export interface Selection {
  readonly name: string;
  readonly features: readonly string[];
}

export const selections: readonly Selection[] = [
  {
    name: 'five features',
    features: ['txnCount1h', 'txnCount24h', 'avgTxnAmount24h', 'maxTxnAmount24h', 'uniqueMerchants24h'],
  },
  { name: 'all features', features: features.map(([name]) => name) },
];

/** A user as any contender shows them. */
export interface ShownUser {
  readonly id: string;
  readonly riskProfile: unknown;
}

/** How users are asked for over HTTP, and how they are answered. */
export interface Form {
  readonly name: string;
  request(ids: readonly string[], selection: Selection): LoadRequest;
  users(body: unknown): readonly ShownUser[];
}

/** An ordinary GraphQL client's POST. */
export const graphql: Form = {
  name: 'GraphQL',
  request(ids, { features }) {
    const fields = `id\n    riskProfile {\n      ${features.join('\n      ')}\n    }`;
    const [userId] = ids;
    if (ids.length === 1) {
      return postJson('/graphql', {
        operationName: 'RiskProfile',
        variables: { userId },
        query: `query RiskProfile($userId: ID!) {\n  user(id: $userId) {\n    ${fields}\n  }\n}`,
      });
    }
    return postJson('/graphql', {
      operationName: 'RiskProfiles',
      variables: { userIds: ids },
      query: `query RiskProfiles($userIds: [ID!]!) {\n  users(ids: $userIds) {\n    ${fields}\n  }\n}`,
    });
  },
  users(body) {
    const { user, users } = (body as { data: { user?: ShownUser; users?: ShownUser[] } }).data;
    return users ?? (user ? [user] : []);
  },
};

/** Without GraphQL: an address that says it all. */
export const address: Form = {
  name: 'GET',
  request: ([id = ''], { features }) => get(`/user/${encodeURIComponent(id)}?${features.join()}`),
  users: (body) => [body as ShownUser],
};

/** Without GraphQL: ids and names of features as JSON. */
export const json: Form = {
  name: 'POST',
  request: (ids, { features }) => postJson('/users', { ids, features }),
  users: (body) => body as ShownUser[],
};
