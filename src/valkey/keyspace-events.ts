import { randomUUID } from 'node:crypto';
import type { Redis } from 'iovalkey';
import { leave, reconnect } from './connect.ts';
import { Demotion } from './demotion.ts';
import { addNotifyFlags, explainSilence } from './notify-flags.ts';
import { StoreClock } from './store-clock.ts';

/** Who hears of changes. Notifications are fire and forget: hints to read again, never the data. */
export interface KeyspaceListener {
  /** `operation`, such as `hset`, `del`, `expired` or `evicted`, was done to a subscribed key. */
  changed(key: string, operation: string): void;
  /**
   * Any subscribed key may have changed unheard: the connection was lost and is back, with all its subscriptions.
   * @param keys only these may have; left out: any.
   */
  missed(keys?: Iterable<string>): void;
}

/** Keyspace notifications of exact keys, wherever they live. */
export interface KeyspaceNews {
  /** Why changes may go unheard at the moment; null while all is well. */
  readonly problem: Error | null;
  /** Why the newest proof could not be made, though nothing says that changes go unheard: commands fail. Null if it could. */
  readonly commandProblem: Error | null;
  /**
   * What the clock of a key's server says, in milliseconds since 1970; null before it is known.
   * @param key left out: of the one by which timers are set.
   */
  storeNow(key?: string): number | null;
  /** Asks for the clock again, once for all who ask meanwhile. Rejects as a command does. */
  askTime(): Promise<void>;
  /**
   * Resolves once every notification that was sent before this call has been heard, or was lost on its way.
   * @throws whatever keeps a connection from answering.
   */
  settle(): Promise<void>;
  listen(listener: KeyspaceListener): void;
  /**
   * Resolves once Valkey has acknowledged: what changes from then on is heard, or `missed` is called. Keys stay wanted
   * until `unsubscribe`, also when this fails and across reconnects.
   */
  subscribe(keys: readonly string[]): Promise<void>;
  /** Takes effect at once for us, and at Valkey in the order of calls. */
  unsubscribe(keys: readonly string[]): void;
  close(): void;
}

export interface KeyspaceEventsOptions {
  /** For commands; it stays with its owner. */
  readonly valkey: Redis;
  /** From `connectSubscriber`, to the same server and database; `close` ends it. */
  readonly subscriber: Redis;
  /** Where the canary key lives. */
  readonly keyPrefix: string;
  /** The hash tag of the canary key; default one that nobody else has. */
  readonly canaryTag?: string;
  /** Whether keys may have changed before it ever listened; default false. */
  readonly comesLate?: boolean;
  /** How long to wait for a connection, and for a notification of our own canary; default 3 s. */
  readonly patienceMs?: number;
  /** How often to prove that notifications still arrive; default 10 s. */
  readonly heartbeatMs?: number;
}

/** Valkey is there, but does not tell us of changes. */
export class KeyspaceEventsError extends Error {
  override readonly name = 'KeyspaceEventsError';
  readonly code = 'KEYSPACE_EVENTS_SILENT';
}

const channelsPerCommand = 1_000;
const retryMs = 500;
/** What is done to the canary, and must be heard. Evictions cannot be provoked. */
const canaryOperations = ['hset', 'del', 'expired'] as const;

/**
 * Keyspace notifications of exact keys, by one subscriber connection. Whenever it connects it makes sure that Valkey
 * sends them (`notify-keyspace-events`, to which it only ever adds), subscribes, and proves by a canary key that they
 * arrive; it goes on proving it, so a connection that died in silence does not go unnoticed.
 */
export class KeyspaceEvents implements KeyspaceNews {
  readonly #options: KeyspaceEventsOptions;
  readonly #patienceMs: number;
  readonly #channelPrefix: string;
  #canaryKey: string;
  readonly #heartbeat: NodeJS.Timeout;
  readonly #stay: () => void;
  readonly #wanted = new Set<string>();
  readonly #unheard = new Set<string>();
  readonly #clock = new StoreClock();
  #asking: Promise<void> | null = null;
  #listener: KeyspaceListener = { changed: () => {}, missed: () => {} };
  /** Counts connections, so that work begun for one that is gone stops. */
  #epoch = 0;
  /** From the moment at which all wanted keys are being subscribed: later ones are sent by themselves. */
  #sending = false;
  #established = Promise.withResolvers<void>();
  #heard = Promise.withResolvers<void>();
  #everEstablished: boolean;
  #closed = false;
  #problem: Error | null = new Error('Connection is closed.');
  #commandProblem: Error | null = null;
  #beating = false;

  private constructor(options: KeyspaceEventsOptions) {
    this.#options = options;
    this.#patienceMs = options.patienceMs ?? 3_000;
    this.#channelPrefix = `__keyspace@${options.valkey.options.db ?? 0}__:`;
    this.#canaryKey = this.#canary(options.canaryTag ?? randomUUID());
    this.#everEstablished = options.comesLate ?? false;
    const { subscriber } = options;
    subscriber.on('message', (channel: string, operation: string) => this.#hear(channel, operation));
    subscriber.on('ready', () => void this.#establish(++this.#epoch));
    subscriber.on('close', () => this.#lose());
    if (subscriber.status === 'ready') void this.#establish(++this.#epoch);
    // Nothing is written on this one: others hear that the server is one to leave.
    this.#stay = Demotion.beside(options.valkey).follow(() => reconnect(subscriber));
    this.#heartbeat = setInterval(() => void this.#beat(), options.heartbeatMs ?? 10_000).unref();
  }

  /** Begins to listen: `problem` says whether it does, and it goes on trying. */
  static start(options: KeyspaceEventsOptions): KeyspaceEvents {
    return new KeyspaceEvents(options);
  }

  /**
   * Waits until notifications are known to arrive.
   * @throws KeyspaceEventsError that says what to set; an error for which `unavailableReason` has a reason.
   */
  static async open(options: KeyspaceEventsOptions): Promise<KeyspaceEvents> {
    const events = new KeyspaceEvents(options);
    try {
      // Twice: a connection, and the canary.
      await events.#whenEstablished(2 * events.#patienceMs);
      return events;
    } catch (error) {
      events.close();
      throw error;
    }
  }

  get problem(): Error | null {
    return this.#problem;
  }

  get commandProblem(): Error | null {
    return this.#commandProblem;
  }

  /** As each proof taught; null before the first. */
  storeNow(): number | null {
    return this.#clock.now();
  }

  askTime(): Promise<void> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  async #ask(): Promise<void> {
    const sentAt = performance.now();
    const answer = await this.#options.valkey.time();
    this.#clock.learn({ micros: microsOf(answer), sentAt, receivedAt: performance.now() });
  }

  async settle(): Promise<void> {
    // Answers come in the order of what is sent on the connection, notifications among it.
    await this.#options.subscriber.ping();
  }

  listen(listener: KeyspaceListener): void {
    this.#listener = listener;
  }

  async subscribe(keys: readonly string[]): Promise<void> {
    for (const key of keys) this.#wanted.add(key);
    const epoch = this.#epoch;
    if (this.#sending) {
      try {
        return await this.#send('subscribe', keys);
      } catch (error) {
        if (epoch === this.#epoch && !this.#closed) throw error;
      }
    }
    await this.#whenEstablished(this.#patienceMs);
  }

  unsubscribe(keys: readonly string[]): void {
    for (const key of keys) this.#wanted.delete(key);
    // One that fails breaks the connection's subscriptions with it.
    if (this.#sending) this.#send('unsubscribe', keys).catch(() => {});
  }

  /** Has another canary sing from now on: the one before it lives on another server. */
  async changeCanary(tag: string): Promise<void> {
    const before = this.#canaryKey;
    this.#canaryKey = this.#canary(tag);
    if (!this.#sending) return;
    await this.#send('subscribe', [this.#canaryKey]);
    await this.#send('unsubscribe', [before]);
  }

  /** Connects anew, after which all that is wanted is subscribed to, and told to have been missed. */
  reconnect(why: unknown): void {
    if (this.#closed || this.#problem !== null) return;
    this.#fail(why);
    reconnect(this.#options.subscriber);
  }

  #canary(tag: string): string {
    return `${this.#options.keyPrefix}:canary:{${tag}}`;
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#heartbeat);
    this.#stay();
    this.#listener = { changed: () => {}, missed: () => {} };
    this.#lose();
    leave(this.#options.subscriber);
  }

  /** Makes a new connection whole; tries again for as long as it lasts. */
  async #establish(epoch: number): Promise<void> {
    const current = () => epoch === this.#epoch && !this.#closed;
    while (current()) {
      try {
        const configured = await addNotifyFlags(this.#options.valkey);
        if (!current()) return;
        this.#sending = true;
        await this.#send('subscribe', [this.#canaryKey, ...this.#wanted]);
        if (!(await this.#prove())) throw new KeyspaceEventsError(explainSilence(configured, [...this.#unheard]));
        if (!current()) return;
        this.#problem = null;
        this.#established.resolve();
        if (this.#everEstablished) this.#listener.missed();
        this.#everEstablished = true;
        return;
      } catch (error) {
        if (!current()) return;
        this.#fail(error);
        await new Promise((resolve) => setTimeout(resolve, retryMs).unref());
        // What could be heard before may be said elsewhere now: the name of the server may have moved between two connections.
        if (current() && this.#everEstablished && error instanceof KeyspaceEventsError) {
          reconnect(this.#options.subscriber);
          return;
        }
      }
    }
  }

  /** Does to the canary what must be heard, and waits until it was. */
  async #prove(): Promise<boolean> {
    const { valkey } = this.#options;
    const key = this.#canaryKey;
    this.#heard = Promise.withResolvers();
    for (const operation of canaryOperations) this.#unheard.add(operation);
    // In one transaction: a canary without its TTL would outlive us if we were killed now.
    const singing = valkey.multi().hset(key, 'sings', 1).del(key).hset(key, 'sings', 1).pexpire(key, 1).time();
    const sentAt = performance.now();
    const answers = (await singing.exec().catch(rethrowCause)) ?? [];
    for (const [error] of answers) if (error) throw error;
    this.#clock.learn({ micros: microsOf(answers.at(-1)?.[1]), sentAt, receivedAt: performance.now() });
    const silence = AbortSignal.timeout(this.#patienceMs);
    while (this.#unheard.size > 0 && !silence.aborted && key === this.#canaryKey) {
      await Promise.race([this.#heard.promise, new Promise((resolve) => setTimeout(resolve, 5).unref())]);
      // Touching a key that is past its time is what makes Valkey notice.
      if (this.#unheard.has('expired')) await valkey.exists(key);
    }
    return this.#unheard.size === 0 || key !== this.#canaryKey;
  }

  async #beat(): Promise<void> {
    if (this.#problem || this.#closed || this.#beating) return;
    const epoch = this.#epoch;
    this.#beating = true;
    try {
      const heard = await this.#prove();
      this.#commandProblem = null;
      if (heard) return;
    } catch (error) {
      this.#commandProblem = error instanceof Error ? error : new Error(String(error));
      setTimeout(() => void this.#beat(), retryMs).unref();
      return; // that says nothing of the subscriptions
    } finally {
      this.#beating = false;
    }
    if (epoch !== this.#epoch || this.#closed) return;
    this.reconnect(new KeyspaceEventsError('notifications have stopped arriving; connecting anew'));
  }

  #hear(channel: string, operation: string): void {
    if (!channel.startsWith(this.#channelPrefix)) return;
    const key = channel.slice(this.#channelPrefix.length);
    if (key !== this.#canaryKey) {
      this.#listener.changed(key, operation);
      return;
    }
    this.#unheard.delete(operation);
    if (this.#unheard.size === 0) this.#heard.resolve();
  }

  #lose(): void {
    this.#epoch++;
    this.#sending = false;
    // Silence is still what is wrong with one that was left for it.
    if (!(this.#problem instanceof KeyspaceEventsError)) this.#fail(new Error('Connection is closed.'));
  }

  #fail(error: unknown): void {
    if (this.#problem === null) this.#established = Promise.withResolvers();
    this.#problem = error instanceof Error ? error : new Error(String(error));
  }

  async #whenEstablished(patienceMs: number): Promise<void> {
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(this.#problem), patienceMs);
    try {
      await Promise.race([this.#established.promise, promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #send(command: 'subscribe' | 'unsubscribe', keys: readonly string[]): Promise<void> {
    const { subscriber } = this.#options;
    const channels = keys.map((key) => this.#channelPrefix + key);
    const sent: Promise<unknown>[] = [];
    for (let at = 0; at < channels.length; at += channelsPerCommand) {
      sent.push(subscriber[command](...channels.slice(at, at + channelsPerCommand)));
    }
    await Promise.all(sent);
  }
}

/** The answer to TIME: seconds, and microseconds of the next. */
function microsOf(answer: unknown): number {
  const [seconds, micros] = answer as readonly [string, string];
  return Number(seconds) * 1e6 + Number(micros);
}

/** A transaction that was not begun says so, and in its `previousErrors` why. */
function rethrowCause(error: Error & { readonly previousErrors?: readonly Error[] }): never {
  throw error.previousErrors?.[0] ?? error;
}
