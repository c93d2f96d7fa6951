/** Takes out of answers what differs from one moment to the next: when something was read, and how long ago something was. */
export class Moments {
  readonly #since: number;
  readonly #known: readonly number[];

  /**
   * @param since what is said to be of this moment or later is of the moment at which it was said; in ms since 1970.
   * @param known how long ago these are may be told, in seconds.
   */
  constructor(since: number, known: readonly number[]) {
    this.#since = since;
    this.#known = known;
  }

  masked(body: string): string {
    return (
      body
        // Of a part of a body, which may be as long as its numbers are.
        .replace(/Content-Length: \d+/g, 'Content-Length: <length>')
        .replace(/now back to [0-9T:.-]+Z/g, 'now back to <time>')
        .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, (time) =>
          this.#isOfNow(Date.parse(time)) ? '<time>' : time,
        )
        .replace(/\b\d{16}\b/g, (micros) => (this.#isOfNow(Number(micros) / 1_000) ? '<revision>' : micros))
        .replace(/\b\d{5,8}(\.\d+)?\b/g, (seconds) => (this.#isAge(Number(seconds)) ? '<age>' : seconds))
    );
  }

  #isOfNow(ms: number): boolean {
    return ms >= this.#since && ms <= Date.now() + 1_000;
  }

  /** Whether it is how long ago one of those known is, or was since it began. */
  #isAge(seconds: number): boolean {
    return this.#known.some((moment) => {
      const ms = moment + seconds * 1_000;
      return ms >= this.#since - 60_000 && ms <= Date.now() + 1_000;
    });
  }
}
