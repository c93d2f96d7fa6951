/** What is drawn of one feature: values that hold from their moment until the next. */
export interface Drawn {
  /** Seconds since 1970, oldest first. */
  readonly times: readonly number[];
  /** Null where there is no value, or none is known. */
  readonly values: readonly (number | null)[];
}

/** A moment, in milliseconds, and the values of all features from then on; null where they are not known. */
export interface Point {
  readonly at: number;
  readonly values: readonly (number | null)[] | null;
}

/** A range is drawn from at most about so many points, which is more than there are pixels. */
const pointsPerRange = 2_000;
/** However many gaps there were. */
const mostPoints = 2 * pointsPerRange;

/** The values of an entity over time, as finely as its range can show. Where the page was cut off it holds a gap. */
export class Trace {
  #points: Point[] = [];

  /** Takes what holds from a moment on; of moments that no one could tell apart in a range of `rangeMs`, only the last. */
  add({ at, values }: Point, rangeMs: number): void {
    const last = this.#points.at(-1);
    // Clocks differ a little; what comes later holds later.
    const from = Math.max(at, last?.at ?? at);
    const finestMs = rangeMs / pointsPerRange;
    const merges = last?.values && values && Math.floor(last.at / finestMs) === Math.floor(from / finestMs);
    if (merges || last?.at === from) this.#points.pop();
    this.#points.push({ at: from, values });
    if (this.#points.length > mostPoints) this.#points.shift();
  }

  /** From `at` on nothing is known, until the next values come. */
  lose(at: number, rangeMs: number): void {
    if (this.#points.at(-1)?.values) this.add({ at, values: null }, rangeMs);
  }

  /** Takes what is known of the past instead of all that was drawn there, up to where `past` ends. */
  fill(past: readonly Point[]): void {
    const end = past.at(-1)?.at ?? Number.NEGATIVE_INFINITY;
    this.#points = [...past, ...this.#points.filter(({ at }) => at > end)].slice(-mostPoints);
  }

  /**
   * What to draw of the feature at `place` from `from` to `to`, both in milliseconds: the value that held at `from`, what
   * came up to `to`, and that the last of it holds still.
   */
  drawn(place: number, from: number, to: number): Drawn {
    const first = this.#points.findLastIndex(({ at }) => at <= from);
    const shown = this.#points.slice(Math.max(0, first)).filter(({ at }) => at <= to);
    const times: number[] = [];
    const values: (number | null)[] = [];
    const put = (at: number, value: number | null) => {
      const before = values.at(-1) ?? null;
      // It held until then: no line leads to where there is none.
      if (value === null && before !== null) put(at, before);
      times.push(Math.max(at, from) / 1_000);
      values.push(value);
    };
    for (const point of shown) put(point.at, point.values?.[place] ?? null);
    const last = shown.at(-1);
    if (last && last.at < to) put(to, values.at(-1) ?? null);
    return { times, values };
  }
}
