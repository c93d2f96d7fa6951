import { DefinitionError } from './definition-error.ts';
import { assertFieldName, assertTypeName } from './names.ts';

/** `number` is a double of at most 1e15 either way; `time` is an instant in whole milliseconds. */
export type FieldType = 'id' | 'number' | 'boolean' | 'time';

export interface EventField {
  readonly type: FieldType;
  /** An optional field may be left out or null; every aggregation passes over an event without it. */
  readonly optional?: boolean;
  /** A boolean that may come, or change, long after the event was recorded, such as a chargeback; at most one an event. */
  readonly label?: boolean;
  /** Shown in GraphQL and in the docs. */
  readonly description: string;
}

export type EventFields = { readonly [name: string]: EventField };

/** A fact with an id and a time. It knows no entity: a view says which of its fields holds the entity's id. */
export interface Event<Fields extends EventFields = EventFields> {
  readonly name: string;
  readonly description: string;
  /** The field that holds the event's own id: the key of idempotence. */
  readonly id: string;
  /** The field that holds when the event happened; left out by a caller, it is the store's now. */
  readonly time: string;
  readonly fields: Fields;
}

/** Names of the fields of `E` that have one of the types `T`. */
export type FieldOf<E extends Event, T extends FieldType = FieldType> = {
  [K in keyof E['fields'] & string]: E['fields'][K]['type'] extends T ? K : never;
}[keyof E['fields'] & string];

/** Names of the fields of `E` that have one of the types `T` and are in every event. */
export type RequiredFieldOf<E extends Event, T extends FieldType> = {
  [K in FieldOf<E, T>]: E['fields'][K] extends { optional: true } ? never : K;
}[FieldOf<E, T>];

type NameOf<Fields extends EventFields, T extends FieldType> = {
  [K in keyof Fields & string]: Fields[K]['type'] extends T ? K : never;
}[keyof Fields & string];

/**
 * Defines an event.
 * @param name in PascalCase: `Transaction` gives `TransactionInput` and `recordTransaction`.
 */
export function event<const Fields extends EventFields>(
  name: string,
  definition: {
    readonly description: string;
    readonly id: NoInfer<NameOf<Fields, 'id'>>;
    readonly time: NoInfer<NameOf<Fields, 'time'>>;
    readonly fields: Fields;
  },
): Event<Fields> {
  const where = `event ${name}`;
  assertTypeName(name, where);
  const { description, id, time, fields } = definition;
  for (const field of Object.keys(fields)) assertFieldName(field, `${where}, field ${field}`);
  if (fields[id]?.type !== 'id') throw new DefinitionError(`${where}: id must name a field of type id, not ${id}`);
  if (fields[id].optional) throw new DefinitionError(`${where}: the id field ${id} cannot be optional`);
  if (fields[time]?.type !== 'time') {
    throw new DefinitionError(`${where}: time must name a field of type time, not ${time}`);
  }
  assertLabel(fields, where);
  return { name, description, id, time, fields };
}

function assertLabel(fields: EventFields, where: string): void {
  const labels = Object.keys(fields).filter((field) => fields[field]?.label);
  for (const field of labels) {
    if (fields[field]?.type !== 'boolean' || !fields[field].optional) {
      throw new DefinitionError(
        `${where}: the label ${field} must be an optional boolean; it comes later than the event`,
      );
    }
  }
  if (labels.length > 1) {
    throw new DefinitionError(`${where}: has the labels ${labels.join(' and ')}, of which an event can have one`);
  }
}
