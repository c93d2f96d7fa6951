import { setTimeout as sleep } from 'node:timers/promises';
import { movingError, UnavailableError } from './outcome.ts';
import type { Part } from './parts.ts';
import type { NotServed } from './reply.ts';

/** A log is brought up to date at its first touch; more rounds mean that processes of two deployments disagree. */
const upgradeRounds = 3;

const shortestMoveMs = 10;
const longestMoveMs = 200;

/** What one part of a call came to; a part that has a value, or an error, is done with. */
export type PartReply<Value> =
  | { readonly kind: 'done'; readonly value: Value | Error }
  | Exclude<NotServed, { kind: 'fault' }>;

/** A log whose layout is not that of its plan. */
export interface OutdatedLog extends Part {
  readonly layoutHash: string;
}

/** How calls are made for parts, and old logs brought up to date. */
export interface Work<P extends Part, Value> {
  /** For how long calls are made, and it is waited for keys that are on their way to another server of a cluster. */
  readonly patienceMs: number;
  /** One call for parts of different entities, or for pieces of one, or for the first of these; what each came to, in their order. */
  readonly attempt: (parts: readonly P[]) => Promise<readonly PartReply<Value>[]>;
  /** In the order given: null, or why a log cannot be brought up to date. */
  readonly upgrade: (logs: readonly OutdatedLog[]) => Promise<readonly (Error | null)[]>;
}

interface Pending<P> {
  readonly part: P;
  readonly place: number;
  /** How often its log was brought up to date. */
  readonly upgrades: number;
  /** Whether it was found on its way to another server. */
  readonly isMoving: boolean;
}

/**
 * Calls for all parts, then for those that were left because the call had worked long enough, and for those whose log was
 * found in an old layout, once that is mended. One call after the other: Valkey serves nobody else while it has a further one
 * of the same client before it. When Valkey goes away in between, what was done has its value; and after a while no more calls are made.
 * @returns in the order of the parts, a value, or the Error of that part.
 * @throws what the first call throws: nothing was done then, as far as is known.
 */
export async function untilDone<P extends Part, Value>(
  parts: readonly P[],
  work: Work<P, Value>,
): Promise<(Value | Error)[]> {
  const values: (Value | Error)[] = [];
  let pending = parts.map((part, place): Pending<P> => ({ part, place, upgrades: 0, isMoving: false }));
  const begun = performance.now();
  let waitMs = shortestMoveMs;
  while (pending.length > 0) {
    try {
      pending = await round(pending, values, work);
      if (performance.now() - begun > work.patienceMs) {
        for (const { place, isMoving } of pending) values[place] = isMoving ? movingError() : lateError();
        break;
      }
      if (pending.length > 0 && pending.every(({ isMoving }) => isMoving)) {
        await sleep(waitMs);
        waitMs = Math.min(2 * waitMs, longestMoveMs);
      }
    } catch (error) {
      // What earlier calls did is done.
      if (values.length === 0 || !(error instanceof UnavailableError)) throw error;
      for (const { place } of pending) values[place] ??= error;
      break;
    }
  }
  return values;
}

/** Of what was left again and again. */
function lateError(): UnavailableError {
  return new UnavailableError('Valkey had no time for it; what was done of it stays, and a retry is safe');
}

/** One call for all that is pending. Fills in the values that it brings, and returns what is still pending. */
async function round<P extends Part, Value>(
  pending: readonly Pending<P>[],
  values: (Value | Error)[],
  { attempt, upgrade }: Work<P, Value>,
): Promise<Pending<P>[]> {
  const replies = await attempt(pending.map(({ part }) => part));
  const left = pending.slice(replies.length);
  const outdated: { readonly one: Pending<P>; readonly log: OutdatedLog }[] = [];
  for (const [i, reply] of replies.entries()) {
    const one = pending[i] as Pending<P>;
    if (reply.kind === 'done') values[one.place] = reply.value;
    else if (reply.kind === 'left' || reply.kind === 'moving') left.push({ ...one, isMoving: reply.kind === 'moving' });
    else if (one.upgrades < upgradeRounds) {
      const { plan, id } = one.part;
      outdated.push({ one, log: { plan, id, layoutHash: reply.layoutHash } });
    } else values[one.place] = new UnavailableError('Two deployments disagree on a log; try again');
  }
  const refusals = await upgrade(outdated.map(({ log }) => log));
  for (const [i, { one }] of outdated.entries()) {
    const refusal = refusals[i];
    if (refusal) values[one.place] = refusal;
    else left.push({ ...one, upgrades: one.upgrades + 1, isMoving: false });
  }
  return left.sort((a, b) => a.place - b.place); // pieces of one entity keep their order
}
