import type { Redis } from 'iovalkey';
import type { LoadGenerator } from '../load/load-generator.ts';
import type { BenchServer } from '../server.ts';

/** What all that is measured shares. */
export interface Stage {
  readonly server: BenchServer;
  readonly valkey: Redis;
  readonly generator: LoadGenerator;
  readonly options: StageOptions;
  readonly print: (text: string) => void;
}

export interface StageOptions {
  /** How many rounds, in each of which every contender has a turn. */
  readonly repetitions: number;
  /** How long a turn is. */
  readonly seconds: number;
  readonly seed: number;
  /** With how many processes ours is run: once with each. */
  readonly workers: readonly number[];
}
