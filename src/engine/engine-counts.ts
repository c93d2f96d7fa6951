import { CallTimes } from '../measure/index.ts';
import type { FunctionName } from './library-caller.ts';

/** What is sent to Valkey as one piece: reads of stored vectors, and what a round of recordings reads and writes. */
export type PipelineName = 'read' | 'record_read' | 'record_write';

/** What an engine has done since its start. */
export interface EngineCounts {
  /** From when a pipeline was sent until all of it was answered. */
  readonly pipelines: CallTimes<PipelineName>;
  readonly functions: CallTimes<FunctionName>;
  /** Vectors that were read: as they were stored, or folded anew. */
  readonly vectors: { readonly stored: number; readonly folded: number };
  /** Events that were rejected, by the field for which they were, such as `Transaction.amount`. */
  readonly rejected: ReadonlyMap<string, number>;
}

/** The part of it that the store of logs counts. */
export class StoreCounts {
  readonly pipelines = new CallTimes<PipelineName>();
  readonly vectors = { stored: 0, folded: 0 };
}
