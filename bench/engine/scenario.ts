import type { Random, Transaction } from '../../src/simulate/index.ts';
import type { Subject } from '../subject.ts';

/** One measurement: both contenders take in the same. */
export interface Sample {
  /** Taken in before, and not measured. */
  readonly before: readonly Transaction[];
  /** What is measured: batches, one call each. */
  readonly batches: readonly (readonly Transaction[])[];
}

/** A way in which events arrive. */
export interface Scenario {
  readonly name: string;
  /** What the name does not tell: spacing, sizes. */
  readonly note: string;
  /** The most that the engine's server time may be, as a multiple of the plain patterns'. */
  readonly limit: number;
  /** Samples without end; the first, which also brings what lies before, is a warm-up. */
  samples(subject: Subject, random: Random): Generator<Sample, never>;
}
