/** What was to be measured takes longer than it may. */
export class OutOfTimeError extends Error {
  override readonly name = 'OutOfTimeError';
}

/** Bounds how long something is measured. */
export class Deadline {
  readonly #seconds: number;
  readonly #endsAt: number;

  constructor(seconds: number) {
    this.#seconds = seconds;
    this.#endsAt = performance.now() + 1_000 * seconds;
  }

  get passed(): boolean {
    return performance.now() > this.#endsAt;
  }

  /** @throws OutOfTimeError once it has passed. */
  check(): void {
    if (this.passed) throw new OutOfTimeError(`not done within ${this.#seconds} s`);
  }
}
