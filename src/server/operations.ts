import { runAs } from './request-id.ts';

/** Counts operations under way, subscriptions until their streams end, and runs each on behalf of its request. */
export class Operations {
  readonly #isGoingAway: () => boolean;
  readonly #waiting: (() => void)[] = [];
  #count = 0;

  /** @param isGoingAway whether the server ends what it cannot serve on: such a stream is over, and is not complete. */
  constructor(isGoingAway: () => boolean) {
    this.#isGoingAway = isGoingAway;
  }

  /** Runs one; what it results in may be a stream, whose every step is run on behalf of the request too. */
  async run<Result>(requestId: string, work: () => Result): Promise<Awaited<Result>> {
    this.#count++;
    let streaming = false;
    try {
      const result = await runAs(requestId, work);
      if (!isIterable(result)) return result;
      streaming = true;
      return this.#follow(result, requestId) as Awaited<Result>;
    } finally {
      if (!streaming) this.#finish();
    }
  }

  /** Resolves when none is under way, after the last one's answer was handed to its transport. */
  async whenIdle(): Promise<void> {
    if (this.#count > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    await new Promise((resolve) => setImmediate(resolve));
  }

  #follow<T>(stream: AsyncIterable<T>, requestId: string): AsyncGenerator<T> {
    const source = stream[Symbol.asyncIterator]();
    let open = true;
    const end = () => {
      if (open) this.#finish();
      open = false;
    };
    const step = async (take: () => Promise<IteratorResult<T>> | undefined): Promise<IteratorResult<T>> => {
      try {
        const result = (await runAs(requestId, take)) ?? { done: true, value: undefined };
        if (result.done) end();
        return result;
      } catch (error) {
        end();
        throw error;
      }
    };
    return {
      next: async () => {
        const result = await step(() => source.next());
        // A client that is told it is complete does not come back for the rest: it is to hear that the socket closes.
        return result.done && this.#isGoingAway() ? new Promise(() => {}) : result;
      },
      return: (value) => step(() => source.return?.(value)),
      throw: (error) => step(() => source.throw?.(error)),
      [Symbol.asyncIterator]() {
        return this;
      },
      async [Symbol.asyncDispose]() {
        await this.return(undefined);
      },
    };
  }

  #finish(): void {
    this.#count--;
    if (this.#count === 0) for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

function isIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}
