import type { Requirement } from '../report/requirement.ts';
import { digits, table, whole } from '../report/table.ts';
import { type Measured, medianOf, ratio } from './turn.ts';

/** What was measured of several contenders, each in turn under the same load. */
export interface Comparison {
  /** Such as `read: one user, five features`. */
  readonly title: string;
  readonly unit: 'requests' | 'events';
  readonly measured: readonly Measured[];
  /** Contenders that others are compared with. */
  readonly baselines: readonly string[];
}

/** What a part of the bench came to. */
export interface Findings {
  readonly comparisons: readonly Comparison[];
  readonly requirements: readonly Requirement[];
}

/** A contender of a comparison, by its name; undefined: it was not there. */
export function contenderOf({ measured }: Comparison, name: string): Measured | undefined {
  return measured.find(({ contender }) => contender === name);
}

/** How many times as fast; null: one of them was not there. */
export function ratioTo(comparison: Comparison, name: string, baseline: string): number | null {
  const [one, other] = [contenderOf(comparison, name), contenderOf(comparison, baseline)];
  return one && other ? ratio(one, other) : null;
}

export function comparisonTable(comparison: Comparison): string {
  const { unit, measured, baselines } = comparison;
  return table(
    [
      { head: comparison.title, left: true },
      { head: 'tuned to', left: true },
      { head: `${unit}/s` },
      { head: 'from' },
      { head: 'to' },
      ...baselines.map((baseline) => ({ head: `× ${baseline}` })),
      { head: 'p50 ms' },
      { head: 'p99 ms' },
      { head: 'server µs' },
      { head: 'Valkey µs' },
      { head: 'load µs' },
    ],
    measured.map(({ contender, settings, turns }) => {
      const speeds = turns.map(({ perSecond }) => perSecond);
      return [
        contender,
        settings,
        whole(medianOf(turns, 'perSecond')),
        whole(Math.min(...speeds)),
        whole(Math.max(...speeds)),
        ...baselines.map((baseline) => digits(ratioTo(comparison, contender, baseline) ?? Number.NaN)),
        digits(medianOf(turns, 'p50Ms')),
        digits(medianOf(turns, 'p99Ms')),
        digits(medianOf(turns, 'serverUs')),
        digits(medianOf(turns, 'valkeyUs')),
        digits(medianOf(turns, 'loadUs')),
      ];
    }),
  );
}
