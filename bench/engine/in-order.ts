import type { Milliseconds } from '../../src/define/index.ts';
import type { Random, Transaction } from '../../src/simulate/index.ts';
import { beginningMs } from '../simulate/transaction.ts';
import type { Subject } from '../subject.ts';
import { drawTransaction } from './draw-transaction.ts';
import type { Sample, Scenario } from './scenario.ts';

const entities = 100; // a batch has one event of each
const batchesASample = 8; // at least
const dayMs = 86_400_000;
const limit = 1.1;

/** Events that keep coming at even distances, so that at each one an old one is as old as the longest window, and leaves. */
export function inOrderOverSpan(cells: number): Scenario {
  return {
    name: `in order, ${cells} cells in 30 d`,
    note: `${entities} entities a batch, an event each; even spacing: the longest window (user 30 d, merchant 37 d) / ${cells}; at each event one leaves the log`,
    limit,
    *samples(subject, random) {
      const crowd = new Crowd(subject, random, subject.spanMs / cells, 0);
      yield { before: crowd.fill(cells), batches: crowd.batches(batchesASample) };
      for (;;) yield { before: [], batches: crowd.batches(batchesASample) };
    },
  };
}

/**
 * Events of new entities that come close together: at each one an old one leaves the last day. The log, which keeps it,
 * would grow, so each sample takes new entities and measures them until their logs hold so many cells.
 */
export function inOrderOverDay(cells: number): Scenario {
  const rounds = Math.max(1, Math.round(cells / 8));
  const inDay = cells - rounds;
  return {
    name: `in order, ${cells} cells in 24 h`,
    note: `${entities} entities a batch, an event each, new ones in each sample; even spacing: 24 h / ${inDay}; at each event one leaves the 24 h; logs hold ${inDay + 1} to ${cells} cells`,
    limit,
    *samples(subject, random): Generator<Sample, never> {
      for (let number = 0; ; ) {
        const crowds = Array.from(
          { length: Math.ceil(batchesASample / rounds) },
          () => new Crowd(subject, random, dayMs / inDay, number++),
        );
        yield {
          before: crowds.flatMap((crowd) => crowd.fill(inDay)),
          batches: crowds.flatMap((crowd) => crowd.batches(rounds)),
        };
      }
    },
  };
}

interface Member {
  readonly id: string;
  readonly beginsAtMs: Milliseconds;
}

/** Entities whose events come at the same even distance, each at a moment of its own. */
class Crowd {
  readonly #subject: Subject;
  readonly #random: Random;
  readonly #spacingMs: number;
  readonly #members: readonly Member[];
  /** How many events each has had. */
  #count = 0;

  /** @param number tells one crowd of a run from another. */
  constructor(subject: Subject, random: Random, spacingMs: number, number: number) {
    this.#subject = subject;
    this.#random = random;
    this.#spacingMs = spacingMs;
    this.#members = Array.from({ length: entities }, (_, i) => ({
      id: `${subject.name}-${number * entities + i}`,
      beginsAtMs: beginningMs + random.below(spacingMs),
    }));
  }

  /** So many events of each, entity by entity. */
  fill(count: number): Transaction[] {
    const first = this.#count;
    this.#count += count;
    return this.#members.flatMap((member) => Array.from({ length: count }, (_, i) => this.#event(member, first + i)));
  }

  /** Batches of one event of each. */
  batches(count: number): Transaction[][] {
    return Array.from({ length: count }, () => this.fill(1));
  }

  #event({ id, beginsAtMs }: Member, index: number): Transaction {
    const occurredAt = beginsAtMs + Math.floor(index * this.#spacingMs);
    return drawTransaction(this.#random, this.#subject, id, index, occurredAt);
  }
}
