import type { Milliseconds } from '../../src/define/index.ts';
import type { Random, Transaction } from '../../src/simulate/index.ts';
import { poisson } from '../simulate/arrivals.ts';
import { drawHistory, transactionsOf } from '../simulate/history.ts';
import { beginningMs } from '../simulate/transaction.ts';
import type { Subject } from '../subject.ts';
import { drawTransaction, population } from './draw-transaction.ts';
import type { Scenario } from './scenario.ts';

const callsASample = 20;
const minuteMs = 60_000;

/** One entity with much behind it, fed one event a call, at the rate that it always had. */
export function hot(behind: number): Scenario {
  return {
    name: `hot, ${behind.toLocaleString('en-US')} events behind`,
    note: `one entity, one event a call; Poisson at ${behind.toLocaleString('en-US')} events in the longest window`,
    limit: 2,
    *samples(subject, random) {
      const stream = new Stream(subject, random, behind);
      yield { before: stream.past, batches: stream.next(callsASample).map((one) => [one]) };
      for (;;) yield { before: [], batches: stream.next(callsASample).map((one) => [one]) };
    },
  };
}

/** Events that come up to `latestMs` after their time; between samples the entity's newest event moves on. */
export function late(behind: number, latestMs: Milliseconds, name: string): Scenario {
  return {
    name: `late by up to ${name}`,
    note: `one entity with ${behind.toLocaleString('en-US')} events behind it in the longest window; one event a call, uniformly late; one in order (not measured) before every ${callsASample}`,
    limit: 5,
    *samples(subject, random) {
      const stream = new Stream(subject, random, behind);
      const lateOnes = () => Array.from({ length: callsASample }, () => [stream.late(random.below(latestMs))]);
      yield { before: stream.past, batches: lateOnes() };
      for (;;) yield { before: stream.next(1), batches: lateOnes() };
    },
  };
}

/** Batches of 100 events of one entity. */
export function batched(behind: number): Scenario {
  const size = 100;
  return {
    name: `batches of ${size} of one entity`,
    note: `one entity with ${behind.toLocaleString('en-US')} events behind it in the longest window, at that rate`,
    limit: 0.6,
    *samples(subject, random) {
      const stream = new Stream(subject, random, behind);
      const batches = () => [stream.next(size), stream.next(size)];
      yield { before: stream.past, batches: batches() };
      for (;;) yield { before: [], batches: batches() };
    },
  };
}

export const halfHour = { ms: 30 * minuteMs, name: '30 min' };
export const day = { ms: 1_440 * minuteMs, name: '24 h' };

/** One entity's events: so many in the longest window, and on at the same rate. */
class Stream {
  readonly past: readonly Transaction[];
  readonly #subject: Subject;
  readonly #random: Random;
  readonly #id: string;
  readonly #meanGapMs: Milliseconds;
  #nowMs: Milliseconds;
  #count: number;

  constructor(subject: Subject, random: Random, behind: number) {
    this.#subject = subject;
    this.#random = random;
    this.#id = `${subject.name}-1`;
    this.#meanGapMs = subject.spanMs / behind;
    this.#nowMs = beginningMs + subject.spanMs;
    this.#count = behind;
    const times = poisson(random, behind, { fromMs: beginningMs, toMs: this.#nowMs });
    this.past = transactionsOf(drawHistory(random, subject, this.#id, times, population));
  }

  /** The next events in order. */
  next(count: number): Transaction[] {
    return Array.from({ length: count }, () => {
      this.#nowMs += Math.ceil(this.#random.exponential(this.#meanGapMs));
      return this.#event(this.#nowMs);
    });
  }

  /** One that happened so long before the newest. */
  late(byMs: Milliseconds): Transaction {
    return this.#event(this.#nowMs - byMs);
  }

  #event(occurredAt: Milliseconds): Transaction {
    return drawTransaction(this.#random, this.#subject, this.#id, this.#count++, occurredAt);
  }
}
