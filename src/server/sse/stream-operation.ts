import type { ExecutionResult } from 'graphql';

/** What an operation results in, as the pipeline has it. */
export type Result = ExecutionResult | AsyncIterable<ExecutionResult>;

/** Why a stream does not take an operation, with the HTTP status for it. */
export class RefusedOperation extends Error {
  override readonly name = 'RefusedOperation';
  readonly status: 400 | 404 | 409 | 429;

  constructor(status: RefusedOperation['status'], message: string) {
    super(message);
    this.status = status;
  }
}

/** What an operation needs of its stream. */
export interface StreamOfOperations {
  /**
   * Resolves, with what gives its turn to another, when it may begin or has been ended.
   * @throws RefusedOperation
   */
  enter(operation: StreamOperation, id: unknown): Promise<() => void>;
  /** Sends results as they are taken. Never rejects. */
  send(operation: StreamOperation, id: string, result: Result): Promise<void>;
  /** It is over. */
  leave(id: string, operation: StreamOperation): void;
}

/** An operation whose results go to a stream that its client has reserved. */
export class StreamOperation {
  readonly #stream: StreamOfOperations;
  readonly #ending = new AbortController();
  #id: string | null = null;
  #release: (() => void) | null = null;
  #handedOver = false;
  #onOver: (() => void) | null = null;
  /** Whether it is executed: what is wrong before that is answered to its request, and what comes after goes to the stream. */
  begun = false;

  constructor(stream: StreamOfOperations) {
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

  /** Tells once it is over. */
  whenOver(tell: () => void): void {
    this.#onOver = tell;
  }

  #leave(): void {
    this.#leaveTurn();
    if (this.#id !== null) this.#stream.leave(this.#id, this);
    this.#onOver?.();
    this.#onOver = null;
  }

  #leaveTurn(): void {
    this.#release?.();
    this.#release = null;
  }
}
