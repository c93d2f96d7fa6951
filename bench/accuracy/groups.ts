import { type Case, type Requirement, worstOf } from '../report/requirement.ts';
import { median, most, quantile } from '../report/statistics.ts';
import { type Column, percent, whole } from '../report/table.ts';
import type { Observation } from './observe.ts';
import { type ComparedKind, comparedKinds } from './reference.ts';

/** What was observed of entities of one kind. */
export interface Group {
  /** How their events arrive. */
  readonly arrival: string;
  /** How many in 30 d. */
  readonly size: number;
  readonly observations: readonly Observation[];
  /** There are fewer observations than wanted. */
  readonly outOfTime: boolean;
}

export const groupTable: readonly Column[] = [
  { head: 'arrivals', left: true },
  { head: 'events' },
  { head: 'feature', left: true },
  ...['exact', 'p50', 'p99', 'max'].map((head) => ({ head })),
  ...['uncertain', 'p50', 'p99', 'max', 'width p50', 'wrong'].map((head) => ({ head })),
];

/** A row a kind of feature: errors of exact values, and, apart, of those that are interpolated or sampled. */
export function groupRows({ arrival, size, observations }: Group): string[][] {
  return comparedKinds.map((kind) => {
    const ofKind = observations.filter((one) => one.kind === kind);
    const exact = ofKind.filter(({ method }) => method === 'EXACT');
    const uncertain = ofKind.filter(({ method }) => method !== 'EXACT');
    return [
      arrival,
      whole(size),
      kind,
      ...spread(exact),
      ...spread(uncertain),
      percent(median(uncertain.map(({ width }) => width))),
      whole(ofKind.filter(({ wrong }) => wrong).length),
    ];
  });
}

function spread(observations: readonly Observation[]): string[] {
  const errors = observations.map(({ error }) => error);
  return [whole(errors.length), percent(median(errors)), percent(quantile(errors, 0.99)), percent(most(errors))];
}

const interpolated: readonly ComparedKind[] = ['count', 'sum', 'avg'];
const mostErrorOf: { readonly [arrival: string]: number } = { Poisson: 0.01, bursty: 0.02 };

/** What must hold: of each kind of feature, whatever the size. */
export function requirementsOf(groups: readonly Group[]): Requirement[] {
  const lines: Requirement[] = [];
  for (const [arrival, limit] of Object.entries(mostErrorOf)) {
    const ofArrival = groups.filter((group) => group.arrival === arrival);
    for (const kind of interpolated) {
      const of = (one: Observation) => one.kind === kind;
      lines.push(
        worstOf(`${arrival}, ${kind}: p99 error`, limit, percent, cases(ofArrival, of, errorAt(0.99))),
        worstOf(
          `${arrival}, ${kind}: median width of cut windows`,
          0.02,
          percent,
          cases(
            ofArrival,
            (one) => of(one) && one.method === 'INTERPOLATED',
            (some) => median(some.map(({ width }) => width)),
          ),
        ),
      );
    }
    const sampled = (one: Observation) => one.method === 'SAMPLED';
    lines.push(
      worstOf(`${arrival}, sampled distinct: median error`, 0.015, percent, cases(ofArrival, sampled, errorAt(0.5))),
      worstOf(`${arrival}, sampled distinct: p99 error`, 0.06, percent, cases(ofArrival, sampled, errorAt(0.99))),
    );
  }
  const countWrong = (some: readonly Observation[]) => some.filter(({ wrong }) => wrong).length;
  lines.push(
    worstOf(
      'values beyond their bounds, or not as exact as told',
      0,
      whole,
      cases(groups, () => true, countWrong),
    ),
  );
  return lines;
}

function errorAt(q: number): (some: readonly Observation[]) => number {
  return (some) =>
    quantile(
      some.map(({ error }) => error),
      q,
    );
}

/** A figure of those observations of each group that has any. */
function cases(
  groups: readonly Group[],
  which: (one: Observation) => boolean,
  figure: (some: readonly Observation[]) => number,
): Case[] {
  return groups.flatMap(({ size, observations, outOfTime }) => {
    const some = observations.filter(which);
    if (some.length === 0 && !outOfTime) return [];
    return [{ at: `${whole(size)} events`, found: outOfTime ? null : figure(some) }];
  });
}
