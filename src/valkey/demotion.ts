import type { Redis } from 'iovalkey';

/**
 * No more often do connections follow a name, and ever less often one that leads to a replica for good: reads, which a replica answers,
 * fail while all connect anew.
 */
const leastBetweenMs = 1_000; // 1 second
const mostBetweenMs = 30_000; // 30 seconds

/**
 * Where the connections to a server hear that it takes no writes any more. Its name may lead elsewhere since: a name that moves at a
 * failover tells nobody, and the connections to what was the primary stay. So whoever is answered READONLY says so here, and all
 * that go by the same name connect anew, those too that only read or listen.
 */
export class Demotion {
  static readonly #besides = new WeakMap<Redis, Demotion>();
  readonly #followers = new Set<() => void>();
  #toldAt = Number.NEGATIVE_INFINITY;
  #betweenMs = leastBetweenMs;

  /** Of the server that a connection is to, for all who stand beside it. */
  static beside(valkey: Redis): Demotion {
    const demotion = Demotion.#besides.get(valkey) ?? new Demotion();
    Demotion.#besides.set(valkey, demotion);
    return demotion;
  }

  /** Has a connection told to follow. @returns what ends that. */
  follow(follower: () => void): () => void {
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }

  /** Takes notice of what the server answered. */
  notice({ message }: Error): void {
    if (!message.startsWith('READONLY')) return;
    const now = performance.now();
    const sinceMs = now - this.#toldAt;
    if (sinceMs < this.#betweenMs) return;
    this.#betweenMs = sinceMs < 2 * this.#betweenMs ? Math.min(2 * this.#betweenMs, mostBetweenMs) : leastBetweenMs;
    this.#toldAt = now;
    for (const follower of this.#followers) follower();
  }
}
