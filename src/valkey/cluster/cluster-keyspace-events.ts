import { randomBytes } from 'node:crypto';
import type { Redis } from 'iovalkey';
import { KeyspaceEvents, type KeyspaceListener, type KeyspaceNews } from '../keyspace-events.ts';
import type { Removals, Servers, ValkeyServer } from '../servers.ts';

export interface ClusterKeyspaceEventsOptions {
  readonly servers: Servers;
  /** Makes the connection for subscriptions to a server. */
  readonly subscriberOf: (server: ValkeyServer) => Redis;
  readonly keyPrefix: string;
}

/** What is heard from one server. */
interface Post {
  readonly server: ValkeyServer;
  readonly events: KeyspaceEvents;
  /** Wanted keys that it has. */
  readonly keys: Set<string>;
  /** The hash tag of its canary. */
  canaryTag: string;
}

/**
 * Keyspace notifications on a cluster: each primary tells of its own keys alone, so there is a post at each. Where slots go to another,
 * the keys in them are subscribed to there, and may have changed unheard.
 */
export class ClusterKeyspaceEvents implements KeyspaceNews {
  readonly #options: ClusterKeyspaceEventsOptions;
  readonly #posts = new Map<ValkeyServer, Post>();
  /** Wanted keys that no server is known to have. */
  readonly #homeless = new Set<string>();
  #listener: KeyspaceListener = { changed: () => {}, missed: () => {} };
  #closed = false;

  private constructor(options: ClusterKeyspaceEventsOptions) {
    this.#options = options;
  }

  /**
   * Waits until notifications are known to arrive from all primaries.
   * @throws KeyspaceEventsError that says what to set; an error for which `unavailableReason` has a reason.
   */
  static async open(options: ClusterKeyspaceEventsOptions): Promise<ClusterKeyspaceEvents> {
    const all = new ClusterKeyspaceEvents(options);
    try {
      await options.servers.ready();
      await Promise.all(options.servers.all.map((server) => all.#postAt(server)));
    } catch (error) {
      all.close();
      throw error;
    }
    options.servers.onChange((removals) => all.#follow(removals));
    all.#follow({ slots: new Set() });
    return all;
  }

  get problem(): Error | null {
    if (this.#homeless.size > 0) return new Error('CLUSTERDOWN no primary is known that has some of what is watched');
    return firstOf(this.#posts.values(), ({ events }) => events.problem);
  }

  get commandProblem(): Error | null {
    return firstOf(this.#posts.values(), ({ events }) => events.commandProblem);
  }

  storeNow(key?: string): number | null {
    const post = key === undefined ? null : this.#postOf(key);
    if (post) return post.events.storeNow();
    // The first that is known: whoever compares two moments by it compares them by one clock.
    return firstOf(this.#posts.values(), ({ events }) => events.storeNow());
  }

  async askTime(): Promise<void> {
    await Promise.all(this.#all().map((events) => events.askTime()));
  }

  async settle(): Promise<void> {
    await Promise.all(this.#all().map((events) => events.settle()));
  }

  listen(listener: KeyspaceListener): void {
    this.#listener = listener;
  }

  async subscribe(keys: readonly string[]): Promise<void> {
    const subscribing: Promise<void>[] = [];
    for (const [post, own] of this.#byPost(keys)) {
      if (!post) {
        for (const key of own) this.#homeless.add(key);
        subscribing.push(Promise.reject(this.problem));
        continue;
      }
      for (const key of own) post.keys.add(key);
      subscribing.push(post.events.subscribe(own));
    }
    await Promise.all(subscribing);
  }

  unsubscribe(keys: readonly string[]): void {
    for (const [post, own] of this.#byPost(keys)) {
      for (const key of own) this.#homeless.delete(key);
      if (!post) continue;
      for (const key of own) post.keys.delete(key);
      post.events.unsubscribe(own);
    }
  }

  close(): void {
    this.#closed = true;
    for (const events of this.#all()) events.close();
    this.#posts.clear();
  }

  #all(): KeyspaceEvents[] {
    return [...this.#posts.values()].map(({ events }) => events);
  }

  #postOf(key: string): Post | null {
    const server = this.#options.servers.find(key);
    return (server && this.#posts.get(server)) ?? null;
  }

  #byPost(keys: Iterable<string>): Map<Post | null, string[]> {
    return Map.groupBy(keys, (key) => this.#postOf(key));
  }

  /** A post at one of the servers that there are at first. */
  async #postAt(server: ValkeyServer): Promise<void> {
    const tag = this.#canaryFor(server);
    this.#put(server, await KeyspaceEvents.open(this.#optionsFor(server, tag)), tag);
  }

  #put(server: ValkeyServer, events: KeyspaceEvents, canaryTag: string): Post {
    const post = { server, events, keys: new Set<string>(), canaryTag };
    this.#posts.set(server, post);
    events.listen({
      changed: (key, operation) => this.#listener.changed(key, operation),
      missed: () => this.#listener.missed([...post.keys]),
    });
    return post;
  }

  #optionsFor(server: ValkeyServer, canaryTag: string) {
    const { subscriberOf, keyPrefix } = this.#options;
    return { valkey: server.valkey, subscriber: subscriberOf(server), keyPrefix, canaryTag };
  }

  /** Servers have come or gone, or slots have gone from one to another. */
  #follow({ slots }: Removals): void {
    if (this.#closed) return;
    const { servers } = this.#options;
    const now = new Set(servers.all);
    const moved = [...this.#homeless];
    this.#homeless.clear();
    for (const post of [...this.#posts.values()]) {
      if (!now.has(post.server)) {
        this.#posts.delete(post.server);
        post.events.close();
        moved.push(...post.keys);
        continue;
      }
      const gone = [...post.keys].filter((key) => slots.has(servers.slotOf(key)));
      for (const key of gone) post.keys.delete(key);
      if (gone.length > 0) post.events.unsubscribe(gone);
      moved.push(...gone);
      if (servers.find(`{${post.canaryTag}}`) !== post.server) this.#changeCanary(post);
    }
    for (const server of now) {
      if (this.#posts.has(server)) continue;
      const tag = this.#canaryFor(server);
      this.#put(server, KeyspaceEvents.start({ ...this.#optionsFor(server, tag), comesLate: true }), tag);
    }
    this.#welcome(moved);
  }

  /** Subscribes to keys where they are now; what happened to them on the way was not heard. */
  #welcome(keys: readonly string[]): void {
    for (const [post, own] of this.#byPost(keys)) {
      if (!post) {
        for (const key of own) this.#homeless.add(key);
        continue;
      }
      for (const key of own) post.keys.add(key);
      // One that is not heard, or fails, tells of all its keys once it is heard again.
      const isHeard = post.events.problem === null;
      post.events.subscribe(own).then(
        () => isHeard && this.#listener.missed(own),
        (error: unknown) => post.events.reconnect(error),
      );
    }
  }

  #changeCanary(post: Post): void {
    post.canaryTag = this.#canaryFor(post.server);
    // Where it fails, the connection has failed, and sings the new one when it is back.
    post.events.changeCanary(post.canaryTag).catch(() => {});
  }

  /** A hash tag whose slot is this server's. */
  #canaryFor(server: ValkeyServer): string {
    for (;;) {
      const tag = randomBytes(12).toString('base64url');
      if (this.#options.servers.find(`{${tag}}`) === server) return tag;
    }
  }
}

function firstOf<T, Found>(all: Iterable<T>, find: (one: T) => Found | null): Found | null {
  for (const one of all) {
    const found = find(one);
    if (found !== null) return found;
  }
  return null;
}
