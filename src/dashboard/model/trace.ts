/** Of one entity, what is drawn: values that hold from their moment until the next. */
export interface Drawn {
  /** Seconds since 1970, oldest first. */
  readonly times: number[];
  /** A row a feature; null where there is no value, or none is known. */
  readonly rows: (number | null)[][];
}

const mostPoints = 4_000;

/** A point in time: the values of all features, or null where they are not known from then on. */
interface Point {
  readonly at: number;
  readonly values: readonly (number | null)[] | null;
}

/**
 * The values of an entity over time, bounded: once there are many, every other of the older ones goes. Where the page was cut
 * off it holds a gap, and no line.
 */
export class Trace {
  readonly #width: number;
  #points: Point[] = [];

  constructor(width: number) {
    this.#width = width;
  }

  /** Takes what holds from `at` (in milliseconds) on. */
  add(at: number, values: readonly (number | null)[]): void {
    this.#put({ at, values });
  }

  /** From `at` on nothing is known, until the next values come. */
  lose(at: number): void {
    if (this.#points.length > 0 && this.#points.at(-1)?.values !== null) this.#put({ at, values: null });
  }

  /** Takes what is known of the past instead of all that was drawn there, up to where `past` ends. */
  fill(past: readonly { readonly at: number; readonly values: readonly (number | null)[] | null }[]): void {
    const end = past.at(-1)?.at ?? Number.NEGATIVE_INFINITY;
    this.#points = [...past, ...this.#points.filter(({ at }) => at > end)];
  }

  /** What to draw from `from` to `to`, both in milliseconds: the value that held at `from`, and what came up to `to`. */
  drawn(from: number, to: number): Drawn {
    const first = this.#points.findLastIndex(({ at }) => at <= from);
    const shown = this.#points.slice(Math.max(0, first)).filter(({ at }) => at <= to);
    const times = shown.map(({ at }) => Math.max(at, from) / 1_000);
    const last = shown.at(-1);
    // The newest value holds until now.
    if (last?.values && last.at < to) times.push(to / 1_000);
    const points = last?.values && last.at < to ? [...shown, last] : shown;
    const rows = Array.from({ length: this.#width }, (_, i) => points.map(({ values }) => values?.[i] ?? null));
    return { times, rows };
  }

  #put(point: Point): void {
    const last = this.#points.at(-1);
    // Clocks differ a little; what comes later holds later.
    const at = Math.max(point.at, last?.at ?? point.at);
    if (last?.at === at) this.#points.pop();
    this.#points.push({ ...point, at });
    if (this.#points.length <= mostPoints) return;
    const half = mostPoints / 2;
    this.#points = this.#points.filter(({ values }, i) => i >= half || i % 2 === 0 || values === null);
  }
}
