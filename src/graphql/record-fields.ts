import { createHash } from 'node:crypto';
import type { ArgBuilder } from '@pothos/core';
import type { Caller } from '../access/index.ts';
import type { Event, View } from '../define/index.ts';
import type { Engine, EventInput, RecordOutcome } from '../engine/index.ts';
import { eventInputType } from './event-input.ts';
import { foreignReason, ownPreview, rejected } from './foreign-events.ts';
import { batchArgument, maxBatch } from './limits.ts';
import { assertWithinLimits, sizedArgumentExtension, worthExtension } from './operation-size.ts';
import type { RootContext } from './own-resolvers.ts';
import { plural } from './plural.ts';
import { type RecordedEvent, recordManyPayloadType, recordPayloadType } from './record-payload.ts';
import { registryOf, type SchemaRegistry } from './registry.ts';
import { root } from './root-resolver.ts';
import { whoeverMay } from './rules.ts';
import type { PreviewedVector } from './shown-vector.ts';
import type { FreshetFieldOptions, FreshetTypes } from './types.ts';

type MutationFields = PothosSchemaTypes.MutationFieldBuilder<FreshetTypes, object>;
type QueryFields = PothosSchemaTypes.QueryFieldBuilder<FreshetTypes, object>;

/** `recordTransaction(input: TransactionInput!): RecordTransactionPayload!` */
export function recordField(t: MutationFields, event: Event, options: FreshetFieldOptions = {}) {
  const registry = registryOf(t.builder);
  return t.field({
    description: `Records one ${event.name} and returns the features that it changed. Safe to send again.`,
    ...options,
    type: registry.generated(recordPayloadType, event),
    nullable: false,
    authScopes: whoeverMay('events:write'),
    args: { input: eventArgument(t.arg, registry, event) },
    resolve: root(async ({ input }: { input: EventInput }, context) => {
      const [recorded] = await record(registry, event, [input], context);
      return recorded as RecordedEvent;
    }),
  });
}

/** `recordTransactions(input: [TransactionInput!]!): RecordTransactionsPayload!` */
export function recordManyField(t: MutationFields, event: Event, options: FreshetFieldOptions = {}) {
  const registry = registryOf(t.builder);
  return t.field({
    description: `Records ${plural(event.name)} in one round trip; each succeeds or fails by itself. Safe to send again.`,
    ...options,
    type: registry.generated(recordManyPayloadType, event),
    nullable: false,
    authScopes: whoeverMay('events:write'),
    args: {
      input: t.arg({
        type: [registry.generated(eventInputType, event)],
        required: true,
        description: `The ${plural(event.name)}; at most ${maxBatch}. They may come in any order.`,
      }),
    },
    extensions: { [sizedArgumentExtension]: batchArgument('input') },
    resolve: root(({ input }: { input: readonly EventInput[] }, context) => record(registry, event, input, context)),
  });
}

/** `previewTransaction(input: TransactionInput!): RecordTransactionPayload!`, a query: it changes nothing. */
export function previewField(t: QueryFields, event: Event, options: FreshetFieldOptions = {}) {
  const registry = registryOf(t.builder);
  return t.field({
    description: `What recording one ${event.name} would come to, and the features as they would be. Nothing is recorded. Its vectors have ids of their own; those of its entities are the true ones: leave them out in a client that caches by id, or it would link an entity to what was only previewed.`,
    ...options,
    type: registry.generated(recordPayloadType, event),
    nullable: false,
    authScopes: whoeverMay('features:read'),
    args: { input: eventArgument(t.arg, registry, event) },
    extensions: { [worthExtension]: 1 }, // as to record it
    resolve: async (_, { input }, { engine, caller }, info): Promise<RecordedEvent> => {
      assertWithinLimits(info);
      const outcome = await previewOwn(registry.viewsOf(event), event, input, engine, caller);
      const preview = previewOf(input);
      const vectors = [...outcome.vectors].map(([view, vector]) => [view, { ...vector, preview }] as const);
      return { index: 0, input, outcome: { ...outcome, vectors: new Map<View, PreviewedVector>(vectors) } };
    },
  });
}

/**
 * What would come of an event in what is the caller's to read of that: no other log is looked at, since its status alone would tell whether
 * an event is in there. Where nothing is the caller's, it is rejected.
 */
async function previewOwn(
  views: readonly View[],
  event: Event,
  input: EventInput,
  engine: Engine,
  caller: Caller,
): Promise<RecordOutcome> {
  const { own, refused } = ownPreview(caller, views, input);
  if (refused !== null) return rejected(refused);
  return own.length === views.length
    ? engine.preview(event, input)
    : withoutOriginal(await engine.preview(event, input, own));
}

/** Of an event that was recorded already, for an entity that is not the caller's, too, nothing is told but that. */
function withoutOriginal(outcome: RecordOutcome): RecordOutcome {
  return outcome.status === 'REJECTED' ? outcome : { ...outcome, reason: null, occurredAt: null };
}

/** Names a preview: the same for the same event, so that a cache may keep what that would come to beside what others would. */
function previewOf(input: EventInput): string {
  return createHash('sha256').update(JSON.stringify(input)).digest('hex').slice(0, 16);
}

function eventArgument(arg: ArgBuilder<FreshetTypes>, registry: SchemaRegistry, event: Event) {
  return arg({
    type: registry.generated(eventInputType, event),
    required: true,
    description: `The ${event.name}.`,
  });
}

async function record(
  registry: SchemaRegistry,
  event: Event,
  inputs: readonly EventInput[],
  context: RootContext,
): Promise<RecordedEvent[]> {
  context.activity.recordedTogether.observe(inputs.length);
  const isWhole = context.caller.grants.allowsAll('events:write');
  const outcomes = isWhole
    ? await context.engine.record(event, inputs)
    : await recordOwn(registry.viewsOf(event), event, inputs, context);
  for (const { status } of outcomes) context.activity.countEvent(status);
  return outcomes.map((outcome, index) => ({ index, input: inputs[index] as EventInput, outcome }));
}

/** Records what is the caller's to write; each of the others is rejected by itself. */
async function recordOwn(
  views: readonly View[],
  event: Event,
  inputs: readonly EventInput[],
  { engine, caller }: RootContext,
): Promise<RecordOutcome[]> {
  const reasons = inputs.map((input) => foreignReason(caller, views, input));
  const own = inputs.filter((_, i) => reasons[i] === null);
  const outcomes = (own.length > 0 ? await engine.record(event, own) : []).values();
  return reasons.map((reason) => (reason === null ? (outcomes.next().value as RecordOutcome) : rejected(reason)));
}
