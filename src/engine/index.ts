export { invalidIdError, invalidIdReason } from './admission.ts';
export type { CorrectionOutcome, LabelStatus, RetractStatus, ViewCorrection } from './correction-outcome.ts';
export { correctionFields } from './corrector.ts';
export { derivedValue } from './derived.ts';
export type { EngineOptions } from './engine.ts';
export { Engine } from './engine.ts';
export type { EngineCounts } from './engine-counts.ts';
export type { EntitySearch, FoundEntity } from './entity-search.ts';
export type { Unfillable } from './filling.ts';
export { unfillable } from './filling.ts';
export type { ForgetReceipt, ForgetStatus } from './forgetting.ts';
export type {
  CutTile,
  InspectedDistinct,
  InspectedFeature,
  InspectedKey,
  InspectedLifetime,
  InspectedWindow,
  Inspection,
  LogComposition,
  Move,
} from './inspection.ts';
export { Inspector } from './inspector.ts';
export { invalidKeyPrefixReason, KeyNames } from './keys.ts';
export { labelOf, usesLabel } from './label-plan.ts';
export { libraryNameOf } from './library.ts';
export type { EventInput, RecordOutcome, RecordStatus } from './outcome.ts';
export { InvalidIdError, LogFaultError, UnavailableError } from './outcome.ts';
export type { Presence, ProcessNote } from './presence.ts';
export { runningProcesses, versionedName } from './presence.ts';
export type { Clock } from './registry.ts';
export { IncompatibleStoreError, PrefixRegistry } from './registry.ts';
export type { FillOutcome } from './reply.ts';
export type { Served } from './served.ts';
export { featureReader, isServedAsStored, servedCertainty, servedValues } from './served.ts';
export type { VectorReading } from './shared-reads.ts';
export type { Certainty, EpochMs, PastVector, Vector } from './vector.ts';
export type { VectorBatch } from './vector-batch.ts';
