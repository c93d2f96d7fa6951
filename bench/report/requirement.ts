import { table } from './table.ts';

/** Something that must hold of what was measured. */
export interface Requirement {
  /** What is measured, such as `user, 64 events: all keys`. */
  readonly what: string;
  /** What was found; null: it could not be measured. */
  readonly found: number | null;
  /** The most that it may be, or the least. */
  readonly limit: number;
  /** Which of both; default `at most`. */
  readonly bound?: 'at most' | 'at least';
  /** How `found` and `limit` are written. */
  readonly show: (value: number) => string;
}

export function isMet({ found, limit, bound = 'at most' }: Requirement): boolean {
  return found !== null && (bound === 'at most' ? found <= limit : found >= limit);
}

/** A line a requirement: whether it is met, what was found, and the limit. */
export function requirementTable(requirements: readonly Requirement[]): string {
  return table(
    [{ head: '', left: true }, { head: 'requirement', left: true }, { head: 'found' }, { head: 'asked' }],
    requirements.map((requirement) => {
      const { what, found, limit, bound = 'at most', show } = requirement;
      const verdict = found === null ? 'not measured' : isMet(requirement) ? 'met' : 'NOT MET';
      return [verdict, what, found === null ? '' : show(found), `${bound} ${show(limit)}`];
    }),
  );
}

/** One of several cases of which the same must hold. */
export interface Case {
  readonly at: string;
  /** Null: it could not be measured. */
  readonly found: number | null;
}

/** One line for all cases: the worst of them. It holds only if all could be measured; where there is none it does. */
export function worstOf(
  what: string,
  limit: number,
  show: (value: number) => string,
  cases: readonly Case[],
): Requirement {
  const [first] = cases;
  if (!first) return { what: `${what} (there is none)`, found: 0, limit, show };
  // A figure that makes no sense is as bad as any.
  const rank = ({ found }: Case) =>
    found === null ? Number.NEGATIVE_INFINITY : Number.isNaN(found) ? Number.POSITIVE_INFINITY : found;
  const worst = cases.reduce((worse, one) => (rank(one) > rank(worse) ? one : worse), first);
  const unmeasured = cases.find(({ found }) => found === null);
  const { at, found } = unmeasured && !(rank(worst) > limit) ? unmeasured : worst;
  return { what: `${what} (at worst ${at})`, found, limit, show };
}
