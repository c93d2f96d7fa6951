import type { Transaction } from '../../src/simulate/index.ts';
import type { Deadline } from '../deadline.ts';

/** One of two that are compared: it keeps features of one subject's entities up to date, in a Valkey. */
export interface Contender {
  readonly name: string;
  /** The commands it sends: their time on the server holds that of the commands inside a function or a transaction. */
  readonly sends: readonly string[];
  /** Takes in what lies before the measurement, as fast as it can. */
  load(transactions: readonly Transaction[], deadline: Deadline): Promise<void>;
  /** Takes in one batch, as a service would: this is what is measured. */
  record(transactions: readonly Transaction[]): Promise<unknown>;
}
