/**
 * The results of an operation that goes on until it ends, or its caller may go on no more: then its last result says why, at once,
 * also while nothing else is said.
 */
export class HeldResults<T> implements AsyncGenerator<T, undefined> {
  readonly #source: AsyncIterator<T>;
  #release: (() => void) | null = null;
  /** What is told last, once it is cut off. */
  #lastWord: T | null = null;
  #state: 'open' | 'cut' | 'over' = 'open';
  #cut: () => void = () => {};

  constructor(source: AsyncIterable<T>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** @param release called when it is over. */
  whenOver(release: () => void): void {
    this.#release = release;
  }

  /** Its caller may go on no more. */
  cutOff(lastWord: T): void {
    if (this.#state !== 'open') return;
    this.#state = 'cut';
    this.#lastWord = lastWord;
    void Promise.resolve(this.#source.return?.()).catch(() => {});
    this.#cut();
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    if (this.#state === 'open') {
      const cut = new Promise<null>((resolve) => {
        this.#cut = () => resolve(null);
      });
      const result = await Promise.race([this.#step(), cut]);
      // What came at the very moment at which it was cut off is not told any more.
      if (this.#state === 'open' && result !== null) return result;
    }
    if (this.#state === 'over' || this.#lastWord === null) return { done: true, value: undefined };
    this.#over();
    return { done: false, value: this.#lastWord };
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    this.#over();
    await this.#source.return?.();
    return { done: true, value: undefined };
  }

  async throw(error: unknown): Promise<never> {
    await this.return();
    throw error;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  async #step(): Promise<IteratorResult<T, undefined>> {
    try {
      const result = await this.#source.next();
      if (result.done && this.#state === 'open') this.#over();
      return result.done ? { done: true, value: undefined } : result;
    } catch (error) {
      if (this.#state === 'open') this.#over();
      throw error;
    }
  }

  #over(): void {
    this.#state = 'over';
    this.#release?.();
    this.#release = null;
  }
}
