import type { Socket } from 'node:net';
import type { Redis } from 'iovalkey';
import type { CommandBuffer } from './command-buffer.ts';
import { leave, reconnect } from './connect.ts';
import { Demotion } from './demotion.ts';
import { inTime, timedOut } from './in-time.ts';
import { patienceOf } from './patience.ts';
import { type Reply, ReplyError, ReplyParser } from './resp.ts';

interface Waiting {
  readonly count: number;
  readonly replies: Reply[];
  readonly resolve: (replies: Reply[]) => void;
  readonly reject: (error: Error) => void;
  readonly until: number;
}

/**
 * A connection of its own beside another, for whoever sends so many commands at a time that an object, a promise and a conversion for each
 * would take most of the time: what is sent is one piece, and what comes back is read in one go.
 *
 * iovalkey makes the connection (the address, TLS, password, database, and attempts to reconnect are its business). Once it is ready, and
 * has the answers to what iovalkey itself asked, its socket (`stream`) is taken over: iovalkey's listener for data is replaced by ours. It
 * goes on watching for errors and the close. Nothing is ever sent again.
 */
export class Wire {
  static readonly #beside = new WeakMap<Redis, Map<string, Wire>>();
  readonly #connection: Redis;
  readonly #demotion: Demotion;
  /** For how long answers are waited for: as on the other connection. */
  readonly #timeoutMs: number;
  #socket: Socket | null = null;
  #parser = new ReplyParser();
  #waiting: Waiting[] = [];
  /** Those who wait until it is connected. */
  readonly #openers = new Set<PromiseWithResolvers<void>>();
  #isOpening = false;
  #timer: NodeJS.Timeout | null = null;
  #ended = false;
  /** How often the connection has been lost. */
  losses = 0;

  /** The one of this name beside a connection, for all who work on it. */
  static beside(valkey: Redis, name: string): Wire {
    const wires = Wire.#beside.get(valkey) ?? new Map<string, Wire>();
    Wire.#beside.set(valkey, wires);
    const wire = wires.get(name) ?? new Wire(valkey, name);
    wires.set(name, wire);
    return wire;
  }

  /** @param name what `CLIENT LIST` calls it. */
  constructor(valkey: Redis, name: string) {
    this.#timeoutMs = patienceOf(valkey);
    this.#connection = valkey.duplicate({
      connectionName: name,
      autoResendUnfulfilledCommands: false,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      lazyConnect: true,
    });
    this.#connection.on('error', () => {}).on('close', () => this.#lose());
    this.#demotion = Demotion.beside(valkey);
    const stay = this.#demotion.follow(() => this.#leave());
    valkey.once('end', () => {
      stay();
      this.#end();
    });
  }

  /**
   * Connects, if it is not connected. Where that takes too long it goes on, for whoever comes next.
   * @throws Error as a command that has no answer in time; also once the connection that this one stands beside has ended.
   */
  async open(): Promise<void> {
    if (this.#ended) throw closed();
    if (this.#socket) return;
    const opener = Promise.withResolvers<void>();
    this.#openers.add(opener);
    if (!this.#isOpening) void this.#openForAll();
    try {
      // Sentinels are asked for ever, in rounds: that no command on the way has an end of its own is no reason to wait.
      await inTime(this.#timeoutMs, opener.promise);
    } finally {
      // Nothing is kept of whoever waits no more: while a server is away there are many of them.
      this.#openers.delete(opener);
    }
  }

  /** Never rejects. */
  async #openForAll(): Promise<void> {
    this.#isOpening = true;
    try {
      await this.#takeOver();
      for (const { resolve } of this.#openers) resolve();
    } catch (error) {
      for (const { reject } of this.#openers) reject(error);
    }
    this.#isOpening = false;
  }

  /**
   * Sends what is in a buffer, which is empty then, and waits for as many answers as commands were in it.
   * @throws Error if the answers do not come: what was sent may have been done or not.
   */
  send(commands: CommandBuffer): Promise<Reply[]> {
    const answers = this.#expect(commands.count);
    this.#write(commands);
    return answers;
  }

  /** The same, of which the first so many answers are waited for by themselves. */
  sendBoth(commands: CommandBuffer, first: number): readonly [first: Promise<Reply[]>, others: Promise<Reply[]>] {
    const answers = [this.#expect(first), this.#expect(commands.count - first)] as const;
    this.#write(commands);
    return answers;
  }

  #expect(count: number): Promise<Reply[]> {
    if (!this.#socket) return Promise.reject(closed());
    const until = performance.now() + this.#timeoutMs;
    return new Promise((resolve, reject) => this.#waiting.push({ count, replies: [], resolve, reject, until }));
  }

  #write(commands: CommandBuffer): void {
    const socket = this.#socket;
    socket?.write(commands.written);
    // What the system has not taken yet is kept until it has.
    if (!socket || socket.writableLength === 0) commands.clear();
    else commands.giveAway();
    if (socket) this.#timer ??= setTimeout(this.#checkTime, this.#timeoutMs);
  }

  async #takeOver(): Promise<void> {
    if (this.#connection.status === 'wait') await this.#connection.connect();
    // Whatever iovalkey asked by itself was answered before this is.
    await this.#connection.ping();
    if (this.#ended) throw closed();
    const { stream } = this.#connection;
    this.#parser = new ReplyParser();
    stream.removeAllListeners('data');
    stream.on('data', this.#take);
    this.#socket = stream as Socket;
  }

  readonly #take = (chunk: Buffer): void => {
    try {
      this.#parser.add(chunk);
      for (let reply = this.#parser.next(); reply !== undefined; reply = this.#parser.next()) this.#settle(reply);
    } catch (error) {
      this.#socket?.destroy(error as Error);
    }
  };

  #settle(reply: Reply): void {
    const first = this.#waiting[0];
    if (!first) throw new Error('Valkey answers what nobody asked');
    if (reply instanceof ReplyError) this.#demotion.notice(reply);
    first.replies.push(reply);
    if (first.replies.length < first.count) return;
    this.#waiting.shift();
    first.resolve(first.replies);
  }

  /** One timer for all: what comes late is found late by as much at most. */
  readonly #checkTime = (): void => {
    this.#timer = null;
    const [first] = this.#waiting;
    if (!first) return;
    const leftMs = first.until - performance.now();
    if (leftMs > 1) {
      this.#timer = setTimeout(this.#checkTime, leftMs);
      return;
    }
    // Answers that come after all would be taken for others'.
    this.#socket?.destroy();
    this.#fail(timedOut());
  };

  /** Nothing is sent any more on this socket; answers may still come. */
  #leave(): void {
    this.#socket = null;
    reconnect(this.#connection);
  }

  /** From now on nothing is sent, though the system may take a while to close the socket. */
  #end(): void {
    this.#ended = true;
    this.#socket = null;
    leave(this.#connection);
    for (const { reject } of this.#openers) reject(closed());
    this.#fail(closed());
  }

  #lose(): void {
    this.losses += 1;
    this.#socket = null;
    this.#fail(closed());
  }

  #fail(error: Error): void {
    // There is nothing left to be late, and a timer would keep the process.
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}

function closed(): Error {
  return new Error('Connection is closed.');
}
