import { camelCase, DefinitionError, type Entity, type Event, type View } from '../define/index.ts';
import { type EventInput, invalidIdReason, UnavailableError, type Vector } from '../engine/index.ts';
import type { EntityRef } from './types.ts';

/** An entity that an event changes, as a field of the payloads of that event's mutations. */
export interface PayloadEntity {
  /** The field's name: `merchant`. */
  readonly name: string;
  readonly entity: Entity;
  /** The event's field that holds the id. */
  readonly by: string;
  /** The views that the event feeds for it. */
  readonly views: readonly View[];
}

/**
 * The entities that an event changes, in the order of its views. Each is named like its type; where an event names two
 * of one type, after the fields that name them: `senderId` gives `sender`.
 * @param taken names of the other fields of the payload.
 * @throws DefinitionError if a name is not free.
 */
export function payloadEntities(event: Event, views: readonly View[], taken: Iterable<string>): PayloadEntity[] {
  const roles = new Map<string, View[]>();
  for (const view of views) {
    const role = JSON.stringify([view.entity.name, view.by]);
    roles.set(role, [...(roles.get(role) ?? []), view]);
  }
  const names = new Set(taken);
  return [...roles.values()].map((viewsOfRole) => {
    const { entity, by } = viewsOfRole[0] as View;
    const alone = views.every((view) => view.entity !== entity || view.by === by);
    const name = alone ? camelCase(entity.name) : by.replace(/(?<=.)Id$/, '');
    if (names.has(name)) {
      throw new DefinitionError(
        `view ${viewsOfRole[0]?.name}: its ${entity.name} would be the field ${name} of what recording ${event.name} returns, but that name is taken; rename the ${alone ? 'entity' : `field ${by}`}`,
      );
    }
    names.add(name);
    return { name, entity, by, views: viewsOfRole };
  });
}

/** What became of an event. */
interface Outcome {
  readonly status: unknown;
  readonly reason: string | null;
  readonly vectors: ReadonlyMap<View, Vector>;
}

/**
 * The entity as it is after the event, with the vectors that came back; null only if its id was refused. What did not
 * come back is read when it is asked for, if the event was rejected; if it could not be reached, it fails at once.
 */
export function entityAfter({ by, views }: PayloadEntity, input: EventInput, outcome: Outcome): EntityRef | null {
  const id = input[by];
  if (typeof id !== 'string' || invalidIdReason(id) !== null) return null;
  const { status, reason } = outcome;
  // Not all that came back: the sender's vectors are none of the receiver's.
  const vectors = new Map([...outcome.vectors].filter(([view]) => views.includes(view)));
  if (status !== 'UNAVAILABLE') return { id, vectors };
  const failure = new UnavailableError(reason ?? 'a part of the store is away');
  return { id, vectors, failures: new Map(views.map((view) => [view, failure])) };
}
