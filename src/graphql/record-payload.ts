import { DefinitionError, type Event } from '../define/index.ts';
import type { RecordOutcome, RecordStatus } from '../engine/index.ts';
import { describedEnum } from './described-enum.ts';
import { pure } from './own-resolvers.ts';
import { entityFields, outcomeFields, type PayloadWording, type SentEvent } from './payload-fields.ts';
import { plural } from './plural.ts';
import type { SchemaRegistry } from './registry.ts';
import type { FreshetTypes } from './types.ts';

/** One event of a batch, and what became of it. */
export interface RecordedEvent extends SentEvent {
  /** Its place in the batch. */
  readonly index: number;
  readonly outcome: RecordOutcome;
}

const statusDescriptions: { readonly [S in RecordStatus]: string } = {
  RECORDED: 'It is in, in at least one view for the first time.',
  DUPLICATE: 'It was in already, and nothing changed.',
  TOO_LATE: 'It is older than every window, or than the store can tell from a repeat: no effect.',
  REJECTED: 'It breaks a rule, and sending it again does not help: no effect. The reason says which.',
  UNAVAILABLE: 'A part of the store could not be reached, or used: it may or may not be in. Sending it again is safe.',
};

/** `RecordStatus`, which all events share. */
function recordStatusEnum({ builder }: SchemaRegistry) {
  return describedEnum(builder, 'RecordStatus', 'What became of an event.', statusDescriptions);
}

/** `RecordTransactionPayload` */
export function recordPayloadType(registry: SchemaRegistry, event: Event) {
  return registry.builder.objectRef<RecordedEvent>(`Record${event.name}Payload`).implement({
    description: `What became of one ${event.name}, and the features that it changed.`,
    fields: (t) => recordedFields(t, registry, event, []),
  });
}

/** `RecordTransactionResult`: one event of a batch. */
function recordResultType(registry: SchemaRegistry, event: Event) {
  return registry.builder.objectRef<RecordedEvent>(`Record${event.name}Result`).implement({
    description: `What became of one ${event.name} of a batch, and the features as they are after the whole batch.`,
    fields: (t) => ({
      index: t.int({
        nullable: false,
        description: 'Its place in the batch, from 0.',
        resolve: pure(({ index }) => index),
      }),
      ...recordedFields(t, registry, event, ['index']),
    }),
  });
}

const counts = [
  ['recorded', 'RECORDED', 'Events that are in, in at least one view for the first time.'],
  ['duplicates', 'DUPLICATE', 'Events that were in already.'],
  ['tooLate', 'TOO_LATE', 'Events that came too late to have an effect.'],
  ['rejected', 'REJECTED', 'Events that break a rule.'],
  ['unavailable', 'UNAVAILABLE', 'Events of which a part could not reach the store: send them again.'],
] as const satisfies (readonly [string, RecordStatus, string])[];

/** `RecordTransactionsPayload`: a batch. */
export function recordManyPayloadType(registry: SchemaRegistry, event: Event) {
  return registry.builder.objectRef<readonly RecordedEvent[]>(`Record${plural(event.name)}Payload`).implement({
    description: `What became of a batch of ${plural(event.name)}: how many of each status, and each by itself.`,
    fields: (t) => ({
      ...Object.fromEntries(
        counts.map(([name, status, description]) => [
          name,
          t.int({
            nullable: false,
            description,
            resolve: pure((batch) => batch.filter(({ outcome }) => outcome.status === status).length),
          }),
        ]),
      ),
      results: t.field({
        type: [registry.generated(recordResultType, event)],
        nullable: false,
        description: 'Each event of the batch, in the order sent.',
        args: {
          only: t.arg({
            type: [registry.generated(recordStatusEnum, undefined)],
            description: 'Only events with one of these statuses, such as those to send again; null: all.',
          }),
        },
        resolve: pure((batch, { only }: { only?: readonly string[] | null | undefined }) =>
          batch.filter(({ outcome }) => !only || only.includes(outcome.status)),
        ),
      }),
    }),
  });
}

const wording: PayloadWording = {
  statusEnum: recordStatusEnum,
  status: 'What became of it.',
  reason: 'Why it was not recorded, or in what a duplicate differs from the original.',
  occurredAt: 'The recorded time; a duplicate’s original where known. Null if it was not recorded.',
};

function recordedFields(
  t: PothosSchemaTypes.ObjectFieldBuilder<FreshetTypes, RecordedEvent>,
  registry: SchemaRegistry,
  event: Event,
  taken: readonly string[],
) {
  if (registry.viewsOf(event).length === 0) {
    throw new DefinitionError(
      `event ${event.name}: is recorded, but feeds none of the schema's views; list one from it`,
    );
  }
  // The index also where there is none: the same event may be recorded in batches.
  const own = outcomeFields(t, registry, event, wording, ['index']);
  return { ...own, ...entityFields(t, registry, event, [...Object.keys(own), ...taken]) };
}
