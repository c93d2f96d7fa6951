import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';
import type { ExecutionResult, FormattedExecutionResult } from 'graphql';
import type { Caller } from '../../access/index.ts';
import { longestOperationId } from '../operation-id.ts';
import { EventWriter, keepAliveComment } from './event-writer.ts';
import { Slots } from './slots.ts';
import { RefusedOperation, type Result, type StreamOfOperations, type StreamOperation } from './stream-operation.ts';

/** Of one stream, as of one WebSocket: how many operations are under way, from their request to their answer or stream. */
const operationsAtOnce = 50;
/** Of one stream; each may watch a thousand entities. */
const maxOperations = 2_000;

export interface EventStreamOptions {
  /** How its token begins. */
  readonly tokenPrefix: string;
  /** Who has reserved it. */
  readonly owner: Caller;
  /** What a client may see of an error, in the form of a result. */
  readonly failed: (error: unknown) => FormattedExecutionResult;
  /** What a client may see of a result. */
  readonly shown: (result: ExecutionResult) => FormattedExecutionResult;
  /** Told of a client that takes nothing of the stream, when its connection is broken. */
  readonly onTooSlow: () => void;
  /** Whether the server is going away: subscriptions end by that, and are not complete. */
  readonly isGoingAway: () => boolean;
}

/**
 * A stream that a client has reserved, and the results of all its operations: the single connection mode of GraphQL over
 * SSE. What is sent before it is opened waits for that. It is over once its connection is, with all its operations.
 */
export class EventStream implements StreamOfOperations {
  /** What the client shows to open it and to use it. */
  readonly token: string;
  readonly #options: EventStreamOptions;
  readonly #operations = new Map<string, StreamOperation>();
  readonly #slots = new Slots(operationsAtOnce);
  readonly #writer = Promise.withResolvers<EventWriter | null>();
  readonly #idle: (() => void)[] = [];
  #state: 'reserved' | 'open' | 'closed' = 'reserved';
  #response: ServerResponse | null = null;

  constructor(options: EventStreamOptions) {
    this.#options = options;
    this.token = `${options.tokenPrefix}${randomUUID()}`;
  }

  /** Whether it is this caller's, by credentials that allow the same: what one asks for, the other sees. */
  isOf(caller: Caller): boolean {
    return this.#options.owner.isLike(caller);
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

  /** Its client may go on no more. Operations of the same caller have said so by then, and that goes out first. */
  async expire(): Promise<void> {
    await turn();
    const writer = await this.#writer.promise;
    await writer?.write(() => null);
    this.#response?.end();
    this.close();
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

  async enter(operation: StreamOperation, id: unknown): Promise<() => void> {
    if (id === undefined || id === null || id === '') {
      throw new RefusedOperation(400, 'extensions.operationId is missing: it tells the results on a stream apart');
    }
    if (typeof id !== 'string' || id.length > longestOperationId) {
      throw new RefusedOperation(
        400,
        `extensions.operationId must be a string of at most ${longestOperationId} characters`,
      );
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

  leave(id: string, operation: StreamOperation): void {
    if (this.#operations.get(id) === operation) this.#operations.delete(id);
    if (this.#operations.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }

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
    // Put into words when it is written, and not while it waits; of an operation that is ended meanwhile nothing is kept.
    const waiting: { data: (() => object) | null } = { data };
    const ended = Promise.withResolvers<void>();
    const drop = () => {
      waiting.data = null;
      ended.resolve();
    };
    operation.ended.addEventListener('abort', drop, { once: true });
    if (operation.ended.aborted) drop();
    const written = writer?.write(() => waiting.data && `event: ${event}\ndata: ${JSON.stringify(waiting.data())}\n\n`);
    await Promise.race([written, ended.promise]);
    operation.ended.removeEventListener('abort', drop);
  }
}

/** To whoever shows a token that is not, or no longer, that of a stream. */
export const noStream = 'There is no event stream of this token: reserve one by PUT, and open it by GET soon after';
