import type { Requirement } from './report/requirement.ts';
import type { BenchServer } from './server.ts';

/** What a run was asked for. */
export interface BenchOptions {
  /** Histories of more events are left out, or cut to this. */
  readonly most: number;
  /** How often each thing is measured. */
  readonly repetitions: number;
  /** How long each thing may be measured. */
  readonly seconds: number;
  readonly seed: number;
  /** Also shows what the engine's functions call, and how long that takes. */
  readonly inside: boolean;
  /** Of the bench of the API: one of its parts alone. */
  readonly only?: string;
  /** Of the bench of the API: with how many processes ours is run, once with each; default 1. */
  readonly workers?: readonly number[];
  /** Of the bench of the API: where its findings go besides what is printed; `-` is stdout, and all else is printed to stderr. */
  readonly json?: string;
  /** Of the bench of the API: the file of a chart. */
  readonly svg?: string;
  /** Of the bench of the API: a folder; ours alone is run, and where its processor time goes is written there. */
  readonly cpuProf?: string;
}

/** Something to measure, beside its peers where it has any. */
export interface Bench {
  /** A line for the list. */
  readonly summary: string;
  /** How long each thing may be measured unless the run was asked for something else; default 60. */
  readonly defaultSeconds?: number;
  /** How often each thing is measured unless the run was asked for something else; default 15. */
  readonly defaultRepetitions?: number;
  /** Measures, prints its table as it goes, and returns what must hold of it. */
  run(server: BenchServer, options: BenchOptions, print: (text: string) => void): Promise<Requirement[]>;
}
