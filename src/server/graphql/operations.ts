import { runApartAs, runAs } from '../request-id.ts';

/** A stream that does on behalf of its request what it does, and tells itself when it is over. */
interface SelfReliantStream {
  whenOver(tell: () => void): void;
}

/** Counts operations under way, subscriptions until their streams end, and runs each on behalf of its request. */
export class Operations {
  readonly #isGoingAway: () => boolean;
  readonly #onStreamOver: () => void;
  readonly #waiting: (() => void)[] = [];
  #count = 0;

  /**
   * @param isGoingAway whether the server ends what it cannot serve on: such a stream is over, and is not complete.
   * @param onStreamOver told of each stream when it is over.
   */
  constructor(isGoingAway: () => boolean, onStreamOver: () => void = () => {}) {
    this.#isGoingAway = isGoingAway;
    this.#onStreamOver = onStreamOver;
  }

  /** Runs one; what it results in may be a stream, whose every step is run on behalf of the request too. */
  async run<Result>(requestId: string, work: () => Result): Promise<Awaited<Result>> {
    this.#count++;
    let streaming = false;
    try {
      const result = await runApartAs(requestId, work);
      if (!isIterable(result)) return result;
      streaming = true;
      if (!isSelfReliant(result))
        return new FollowedStream(result, requestId, this.#isGoingAway, this.#finishStream) as Awaited<Result>;
      result.whenOver(this.#finishStream);
      return result;
    } finally {
      if (!streaming) this.#finish();
    }
  }

  /** Resolves when none is under way, after the last one's answer was handed to its transport. */
  async whenIdle(): Promise<void> {
    if (this.#count > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    await new Promise((resolve) => setImmediate(resolve));
  }

  readonly #finishStream = (): void => {
    this.#onStreamOver();
    this.#finish();
  };

  readonly #finish = (): void => {
    this.#count--;
    if (this.#count === 0) for (const resolve of this.#waiting.splice(0)) resolve();
  };
}

/** Runs each step of a stream on behalf of its request. */
class FollowedStream<T> implements AsyncIterableIterator<T> {
  readonly #source: AsyncIterator<T>;
  readonly #requestId: string;
  readonly #isCutShort: () => boolean;
  #onOver: (() => void) | null;

  constructor(stream: AsyncIterable<T>, requestId: string, isCutShort: () => boolean, onOver: () => void) {
    this.#source = stream[Symbol.asyncIterator]();
    this.#requestId = requestId;
    this.#isCutShort = isCutShort;
    this.#onOver = onOver;
  }

  async next(): Promise<IteratorResult<T>> {
    const result = await this.#step(() => this.#source.next());
    // A client that is told it is complete does not come back for the rest: it is to hear that the socket closes.
    return result.done && this.#isCutShort() ? new Promise(() => {}) : result;
  }

  return(value?: unknown): Promise<IteratorResult<T>> {
    return this.#step(() => this.#source.return?.(value));
  }

  throw(error?: unknown): Promise<IteratorResult<T>> {
    return this.#step(() => this.#source.throw?.(error));
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #step(take: () => Promise<IteratorResult<T>> | undefined): Promise<IteratorResult<T>> {
    try {
      const result = (await runAs(this.#requestId, take)) ?? { done: true, value: undefined };
      if (result.done) this.#over();
      return result;
    } catch (error) {
      this.#over();
      throw error;
    }
  }

  #over(): void {
    this.#onOver?.();
    this.#onOver = null;
  }
}

function isIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

function isSelfReliant<T extends object>(stream: T): stream is T & SelfReliantStream {
  return 'whenOver' in stream;
}
