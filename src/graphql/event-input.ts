import type { Event, EventField, FieldType } from '../define/index.ts';
import type { EventInput } from '../engine/index.ts';
import type { SchemaRegistry } from './registry.ts';

/** The GraphQL type of each type of field. */
export const inputTypes = {
  id: 'ID',
  number: 'Float',
  boolean: 'Boolean',
  time: 'DateTime',
} as const satisfies { readonly [T in FieldType]: string };

/** `TransactionInput`: the fields of an event. Its time may always be left out. */
export function eventInputType(registry: SchemaRegistry, event: Event) {
  return registry.builder.inputRef<EventInput>(`${event.name}Input`).implement({
    description: event.description,
    fields: (t) =>
      Object.fromEntries(
        Object.entries(event.fields).map(([name, field]) => [
          name,
          t.field({
            type: inputTypes[field.type],
            required: name !== event.time && !field.optional,
            description: describeInput(event, name, field),
          }),
        ]),
      ),
  });
}

function describeInput(event: Event, name: string, field: EventField): string {
  if (name === event.id) return `${field.description} Sent again, the event has no further effect.`;
  if (name === event.time) return `${field.description} Left out, it is the store’s now; who retries sends their own.`;
  return field.description;
}
