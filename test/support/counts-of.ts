import { createClient } from 'graphql-ws';
import { expect } from 'vitest';
import { WebSocket } from 'ws';
import type { ApiClient } from './api.ts';
import type { InsistentLoad } from './insistent-load.ts';
import { until } from './until.ts';

interface Served {
  readonly users: readonly { readonly id: string; readonly riskProfile: { readonly txnCount24h: number } | null }[];
  readonly merchants: readonly { readonly id: string; readonly activity: { readonly txnCount24h: number } | null }[];
}

interface Pushed {
  readonly userRiskProfileUpdated: readonly {
    readonly cause: string;
    readonly user: { readonly id: string; readonly riskProfile: { readonly txnCount24h: number } | null };
  }[];
}

/** Users and merchants to whom a load's events happen: how many each has, as it is served and pushed. */
export class CountsOf {
  readonly users: readonly string[];
  readonly merchants: readonly string[];

  constructor(users: readonly string[], merchants: readonly string[]) {
    this.users = users;
    this.merchants = merchants;
  }

  /** @param name that nobody else uses. */
  static some(name: string, userCount = 24, merchantCount = 12): CountsOf {
    const named = (what: string, count: number) => Array.from({ length: count }, (_, i) => `${what}-${name}-${i}`);
    return new CountsOf(named('user', userCount), named('merchant', merchantCount));
  }

  /** Waits until all that was acknowledged is served, once. */
  async expectThere(api: ApiClient, load: InsistentLoad): Promise<void> {
    await expect.poll(() => this.differences(api, load), { timeout: 10_000 }).toEqual([]);
  }

  /** Whoever has another number of events than were acknowledged. */
  async differences(
    api: ApiClient,
    load: InsistentLoad,
  ): Promise<{ id: string; served: unknown; acknowledged: number }[]> {
    const counts = await this.#served(api);
    return [...this.users, ...this.merchants]
      .map((id) => ({ id, served: counts.get(id), acknowledged: load.countOf(id) }))
      .filter(({ served, acknowledged }) => served !== acknowledged);
  }

  /** Null of one that cannot be served. */
  async #served(api: ApiClient): Promise<Map<string, number | null>> {
    const { users, merchants } = this;
    const { data } = await api.ask<Served>(
      'query ($users: [ID!]!, $merchants: [ID!]!) { users(ids: $users) { id riskProfile { txnCount24h } } merchants(ids: $merchants) { id activity { txnCount24h } } }',
      { users, merchants },
    );
    const counts = new Map<string, number | null>();
    for (const { id, riskProfile } of data?.users ?? []) counts.set(id, riskProfile?.txnCount24h ?? null);
    for (const { id, activity } of data?.merchants ?? []) counts.set(id, activity?.txnCount24h ?? null);
    return counts;
  }

  /** Watches all users, and keeps the newest of each. */
  watch(api: ApiClient) {
    const { users } = this;
    const client = createClient({ url: api.webSocketUrl, webSocketImpl: WebSocket, retryAttempts: 0 });
    const newest = new Map<string, number | undefined>();
    let ended: unknown = null;
    client.subscribe<Pushed>(
      {
        query:
          'subscription ($ids: [ID!]!) { userRiskProfileUpdated(userIds: $ids, minIntervalMs: 0) { cause user { id riskProfile { txnCount24h } } } }',
        variables: { ids: users },
      },
      {
        next: ({ data }) => {
          for (const { user } of data?.userRiskProfileUpdated ?? []) newest.set(user.id, user.riskProfile?.txnCount24h);
        },
        error: (error) => {
          ended = error;
        },
        complete: () => {
          ended ??= 'completed';
        },
      },
    );
    /** Waits until it was pushed all that was acknowledged; in how many milliseconds. */
    const healed = async (load: InsistentLoad) => {
      const begun = performance.now();
      await until(() => users.every((id) => newest.get(id) === load.countOf(id)));
      expect(ended).toBeNull();
      return Math.round(performance.now() - begun);
    };
    return { healed, close: () => client.dispose() };
  }
}
