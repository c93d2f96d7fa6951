export { invalidIdReason } from './admission.ts';
export type { EngineOptions } from './engine.ts';
export { Engine } from './engine.ts';
export type { KeyNames } from './keys.ts';
export type { EventInput, FieldValue, RecordOutcome, RecordStatus } from './outcome.ts';
export { InvalidIdError, recordStatuses, UnavailableError } from './outcome.ts';
export type { Clock } from './registry.ts';
export { IncompatibleStoreError } from './registry.ts';
export type { EpochMs, Vector } from './vector.ts';
