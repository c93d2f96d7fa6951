/** Lets so many do something at once; the others wait in turn. */
export class Slots {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(width: number) {
    this.#free = width;
  }

  /** Resolves with what gives the slot back when there is one; at once, and without one, when `given` is aborted. */
  async take(given: AbortSignal): Promise<() => void> {
    if (this.#free > 0) {
      this.#free--;
      return () => this.#next();
    }
    return new Promise((resolve) => {
      const leave = () => {
        this.#waiting.delete(enter);
        resolve(() => {});
      };
      const enter = () => {
        given.removeEventListener('abort', leave);
        resolve(() => this.#next());
      };
      given.addEventListener('abort', leave, { once: true });
      this.#waiting.add(enter);
    });
  }

  #next(): void {
    const [first] = this.#waiting;
    if (!first) this.#free++;
    else {
      this.#waiting.delete(first);
      first();
    }
  }
}
