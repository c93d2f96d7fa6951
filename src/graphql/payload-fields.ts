import { DefinitionError, type Event, type View } from '../define/index.ts';
import type { EpochMs, EventInput, Vector } from '../engine/index.ts';
import { pure } from './own-resolvers.ts';
import { entityAfter, payloadEntities } from './payload-entities.ts';
import type { SchemaRegistry } from './registry.ts';
import type { FreshetTypes } from './types.ts';

/** An event that was sent, and what became of it: what stands behind every payload. */
export interface SentEvent {
  readonly input: EventInput;
  readonly outcome: {
    readonly status: string;
    readonly reason: string | null;
    readonly occurredAt: EpochMs | null;
    readonly vectors: ReadonlyMap<View, Vector>;
  };
}

/** What is peculiar to a mutation in the fields that all payloads have. */
export interface PayloadWording {
  readonly statusEnum: (registry: SchemaRegistry) => PothosSchemaTypes.EnumRef<FreshetTypes, string>;
  readonly status: string;
  readonly reason: string;
  readonly occurredAt: string;
}

type PayloadBuilder<Sent> = PothosSchemaTypes.ObjectFieldBuilder<FreshetTypes, Sent>;

/**
 * The event's id, its status, the reason and its time.
 * @param taken names of the payload's other fields, but for those of entities.
 * @throws DefinitionError if the event calls its id or its time like another of these fields.
 */
export function outcomeFields<Sent extends SentEvent>(
  t: PayloadBuilder<Sent>,
  registry: SchemaRegistry,
  event: Event,
  wording: PayloadWording,
  taken: readonly string[],
) {
  const own = ['status', 'reason', ...taken];
  for (const name of [event.id, event.time]) {
    if (own.includes(name)) {
      throw new DefinitionError(`event ${event.name}: what is answered of it has a ${name} already; rename the field`);
    }
  }
  return {
    [event.id]: t.id({
      nullable: false,
      description: `The id of the ${event.name}, as it was sent.`,
      resolve: pure(({ input }) => input[event.id] as string),
    }),
    status: t.field({
      type: registry.generated(wording.statusEnum, undefined),
      nullable: false,
      description: wording.status,
      resolve: pure(({ outcome }) => outcome.status),
    }),
    reason: t.string({ nullable: true, description: wording.reason, resolve: pure(({ outcome }) => outcome.reason) }),
    [event.time]: t.field({
      type: 'DateTime',
      nullable: true,
      description: wording.occurredAt,
      resolve: pure(({ outcome }) => outcome.occurredAt),
    }),
  };
}

/**
 * The entities that the event changes, each a field.
 * @param taken names of the payload's other fields.
 * @throws DefinitionError if an entity would be called like one of them.
 */
export function entityFields<Sent extends SentEvent>(
  t: PayloadBuilder<Sent>,
  registry: SchemaRegistry,
  event: Event,
  taken: readonly string[],
) {
  const fields = payloadEntities(event, registry.viewsOf(event), taken).map((role) => {
    const field = t.field({
      type: registry.entityType(role.entity),
      nullable: true,
      description: `The ${role.entity.name} of the event’s ${role.by}, as it is now. Null only if that id was rejected.`,
      resolve: pure(({ input, outcome }) => entityAfter(role, input, outcome)),
    });
    return [role.name, field] as const;
  });
  return Object.fromEntries(fields);
}
