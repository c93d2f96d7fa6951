import type { Aggregation, Milliseconds, SlidingWindow } from '../../src/define/index.ts';
import { countUpTo } from '../simulate/arrivals.ts';
import type { History } from '../simulate/history.ts';

/** The kinds of features that are compared. */
export const comparedKinds = ['count', 'sum', 'avg', 'distinct'] as const;
export type ComparedKind = (typeof comparedKinds)[number];

/** An aggregation that the reference knows: over a sliding window, and of all events. */
export interface Compared extends Aggregation<ComparedKind> {
  readonly window: SlidingWindow;
}

export function isCompared(aggregation: Aggregation): aggregation is Compared {
  const { kind, window, where } = aggregation;
  return comparedKinds.some((one) => one === kind) && window.kind === 'sliding' && where === undefined;
}

/**
 * What a feature must say of one entity at any moment, from the sorted array of its events: a window is a slice between
 * two binary searches, and a sum the difference of two prefix sums (right to some 1e-10).
 */
export class Reference {
  readonly #history: History;
  /** Sum of the amounts before each event, and of all. */
  readonly #sumBefore: Float64Array;
  /** Where each event's partner was dealt with before; −1: never. */
  readonly #previous: Int32Array;

  constructor(history: History) {
    const { amounts, partners } = history;
    this.#history = history;
    this.#sumBefore = new Float64Array(amounts.length + 1);
    for (let i = 0; i < amounts.length; i++) {
      this.#sumBefore[i + 1] = (this.#sumBefore[i] as number) + (amounts[i] as number);
    }
    const last = new Map<number, number>();
    this.#previous = Int32Array.from(partners, (partner, i) => {
      const before = last.get(partner) ?? -1;
      last.set(partner, i);
      return before;
    });
  }

  /** The value at moment `t`; NaN is null. */
  value({ kind, window }: Compared, t: Milliseconds): number {
    const { times } = this.#history;
    const first = countUpTo(times, t - window.delayMs - window.lengthMs);
    const end = countUpTo(times, t - window.delayMs);
    const sum = (this.#sumBefore[end] as number) - (this.#sumBefore[first] as number);
    switch (kind) {
      case 'count':
        return end - first;
      case 'sum':
        return sum;
      case 'avg':
        return sum / (end - first);
      case 'distinct':
        return this.#distinct(first, end);
    }
  }

  /** In a slice, each partner's first event is one that was not dealt with before within it. */
  #distinct(first: number, end: number): number {
    let found = 0;
    for (let i = first; i < end; i++) if ((this.#previous[i] as number) < first) found += 1;
    return found;
  }
}
