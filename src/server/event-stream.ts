import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { ExecutionResult, FormattedExecutionResult } from 'graphql';
import { EventWriter, keepAliveComment } from './event-writer.ts';
import { Slots } from './slots.ts';

/** Of one stream, as of one WebSocket: how many operations are under way, from their request to their answer or stream. */
const operationsAtOnce = 50;
/** Of one stream; each may watch a thousand entities. */
const maxOperations = 2_000;
/** Of an operation's id, which is repeated in each of its messages. */
const longestId = 256;

/** What an operation results in, as the pipeline has it. */
type Result = ExecutionResult | AsyncIterable<ExecutionResult>;

export interface EventStreamOptions {
  /** What a client may see of an error, in the form of a result. */
  readonly failed: (error: unknown) => FormattedExecutionResult;
  /** What a client may see of a result. */
  readonly shown: (result: ExecutionResult) => FormattedExecutionResult;
  /** Told of a client that takes nothing of the stream, when its connection is broken. */
  readonly onTooSlow: () => void;
  /** Whether the server is going away: subscriptions end by that, and are not complete. */
  readonly isGoingAway: () => boolean;
}

/** Why a stream does not take an operation, with the HTTP status for it. */
export class RefusedOperation extends Error {
  override readonly name = 'RefusedOperation';
  readonly status: 400 | 404 | 409 | 429;

  constructor(status: RefusedOperation['status'], message: string) {
    super(message);
    this.status = status;
  }
}

/** An operation whose results go to a stream that its client has reserved. */
export class StreamOperation {
  readonly #stream: EventStream;
  readonly #ending = new AbortController();
  #id: string | null = null;
  #release: (() => void) | null = null;
  #handedOver = false;
  /** Whether it is executed: what is wrong before that is answered to its request, and what comes after goes to the stream. */
  begun = false;

  constructor(stream: EventStream) {
    this.#stream = stream;
  }

  /** Aborts when its client wants no more of it, or has left. */
  get ended(): AbortSignal {
    return this.#ending.signal;
  }

  /**
   * Takes its place on the stream, and waits until it may begin.
   * @throws RefusedOperation
   */
  async enter(id: unknown): Promise<void> {
    const release = await this.#stream.enter(this, id);
    this.#id = id as string;
    this.#release = release;
    if (this.ended.aborted) throw new RefusedOperation(404, 'The operation was ended before it began');
  }

  /** Hands over what it results in, once it has entered. */
  take(result: Result): void {
    this.#handedOver = true;
    // A stream no longer counts as under way; a single result does until it was taken.
    if (Symbol.asyncIterator in result) this.#leaveTurn();
    void this.#stream.send(this, this.#id as string, result).finally(() => this.#leave());
  }

  /** Its request was answered: one that has handed over nothing is over. */
  settle(): void {
    if (!this.#handedOver) this.#leave();
  }

  end(): void {
    this.#ending.abort();
  }

  #leave(): void {
    this.#leaveTurn();
    if (this.#id !== null) this.#stream.leave(this.#id, this);
  }

  #leaveTurn(): void {
    this.#release?.();
    this.#release = null;
  }
}

/**
 * A stream that a client has reserved, and the results of all its operations: the single connection mode of GraphQL over
 * SSE. What is sent before it is opened waits for that. It is over once its connection is, with all its operations.
 */
export class EventStream {
  /** What the client shows to open it and to use it. */
  readonly token = randomUUID();
  readonly #options: EventStreamOptions;
  readonly #operations = new Map<string, StreamOperation>();
  readonly #slots = new Slots(operationsAtOnce);
  readonly #writer = Promise.withResolvers<EventWriter | null>();
  readonly #idle: (() => void)[] = [];
  #state: 'reserved' | 'open' | 'closed' = 'reserved';
  #response: ServerResponse | null = null;

  constructor(options: EventStreamOptions) {
    this.#options = options;
  }

  get isReserved(): boolean {
    return this.#state === 'reserved';
  }

  /** Sends from now on what the operations result in. The stream must be reserved. */
  open(response: ServerResponse): void {
    this.#state = 'open';
    this.#response = response;
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
    const writer = new EventWriter(response, { onTooSlow: this.#options.onTooSlow, keepAlive: true });
    void writer.write(() => keepAliveComment);
    this.#writer.resolve(writer);
  }

  /** Ends all its operations at once: its connection is over, or will never be. */
  close(): void {
    this.#state = 'closed';
    for (const operation of this.#operations.values()) operation.end();
    this.#writer.resolve(null);
  }

  /** Lets it end in good order: waits for what is still to be sent. Subscriptions must have been ended. */
  async finish(): Promise<void> {
    if (this.#state === 'open' && this.#operations.size > 0) {
      await new Promise<void>((resolve) => this.#idle.push(resolve));
    }
    this.#response?.end();
    this.close();
  }

  /** Ends an operation, if there is one of this id. */
  end(id: string): void {
    this.#operations.get(id)?.end();
    this.#operations.delete(id);
  }

  /** For `StreamOperation.enter`: resolves, with what gives its turn to another, when it may begin or has been ended. */
  async enter(operation: StreamOperation, id: unknown): Promise<() => void> {
    if (id === undefined || id === null || id === '') {
      throw new RefusedOperation(400, 'extensions.operationId is missing: it tells the results on a stream apart');
    }
    if (typeof id !== 'string' || id.length > longestId) {
      throw new RefusedOperation(400, `extensions.operationId must be a string of at most ${longestId} characters`);
    }
    if (this.#state === 'closed') throw new RefusedOperation(404, noStream);
    if (this.#operations.has(id)) {
      throw new RefusedOperation(409, 'An operation of this operationId goes on already');
    }
    if (this.#operations.size >= maxOperations) {
      const advice = 'end some, watch several ids by one, or open another';
      throw new RefusedOperation(429, `More than ${maxOperations} operations on one stream: ${advice}`);
    }
    this.#operations.set(id, operation);
    return this.#slots.take(operation.ended);
  }

  /** For a `StreamOperation` that is over. */
  leave(id: string, operation: StreamOperation): void {
    if (this.#operations.get(id) === operation) this.#operations.delete(id);
    if (this.#operations.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** For `StreamOperation.take`: sends results as they are taken. Never rejects. */
  async send(operation: StreamOperation, id: string, result: Result): Promise<void> {
    const { failed, shown, isGoingAway } = this.#options;
    try {
      if (!(Symbol.asyncIterator in result)) {
        await this.#write(operation, 'next', () => ({ id, payload: shown(result) }));
      } else {
        for await (const one of result) {
          await this.#write(operation, 'next', () => ({ id, payload: shown(one) }));
          if (operation.ended.aborted) return;
        }
        if (isGoingAway()) return; // its client goes on elsewhere, if it is not told that this was all
      }
    } catch (error) {
      await this.#write(operation, 'next', () => ({ id, payload: failed(error) }));
    }
    await this.#write(operation, 'complete', () => ({ id }));
  }

  async #write(operation: StreamOperation, event: 'next' | 'complete', data: () => object): Promise<void> {
    const writer = await this.#writer.promise;
    // Put into words when it is written, and not while it waits.
    await writer?.write(() =>
      operation.ended.aborted ? null : `event: ${event}\ndata: ${JSON.stringify(data())}\n\n`,
    );
  }
}

/** To whoever shows a token that is not, or no longer, that of a stream. */
export const noStream = 'There is no event stream of this token: reserve one by PUT, and open it by GET soon after';
