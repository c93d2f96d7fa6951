import { DefinitionError, type Event } from '../define/index.ts';
import { correctionFields, type EventInput, labelOf, usesLabel } from '../engine/index.ts';
import type { FreshetContext } from './context.ts';
import { type Corrected, labelPayloadType, retractPayloadType } from './correction-payload.ts';
import { inputTypes } from './event-input.ts';
import { foreignReason, rejected } from './foreign-events.ts';
import { assertWithinLimits } from './operation-size.ts';
import { registryOf, type SchemaRegistry } from './registry.ts';
import { whoeverMay } from './rules.ts';
import type { FreshetFieldOptions, FreshetTypes } from './types.ts';

type MutationFields = PothosSchemaTypes.MutationFieldBuilder<FreshetTypes, object>;

/** `labelTransaction(input: LabelTransactionInput!): LabelTransactionPayload!` */
export function labelField(t: MutationFields, event: Event, options: FreshetFieldOptions = {}) {
  const registry = registryOf(t.builder);
  const label = labelOf(event);
  if (label === undefined) {
    throw new DefinitionError(`event ${event.name}: has no label; mark the field that comes late with label: true`);
  }
  return t.field({
    description: `Sets the ${label} of one ${event.name} that is recorded already, however late it comes. Safe to send again.`,
    ...options,
    type: registry.generated(labelPayloadType, event),
    nullable: false,
    authScopes: whoeverMay('events:write'),
    args: {
      input: t.arg({
        type: registry.generated(labelInputType, event),
        required: true,
        description: `Which ${event.name}, and its ${label}.`,
      }),
    },
    resolve: async (_, { input }, context, info) => {
      assertWithinLimits(info);
      const foreign = foreignReason(context.caller, registry.viewsOf(event), input);
      const outcome = foreign === null ? await context.engine.label(event, input) : rejected(foreign);
      return corrected('label', input, outcome, context);
    },
  });
}

/**
 * `retractTransaction(input: RetractTransactionInput!): RetractTransactionPayload!`
 * @param confirm numbers of the event that the input has too, and that must be as recorded.
 */
export function retractField(
  t: MutationFields,
  event: Event,
  confirm: readonly string[],
  options: FreshetFieldOptions = {},
) {
  const registry = registryOf(t.builder);
  for (const field of confirm) {
    if (event.fields[field]?.type === 'number' && !event.fields[field].optional) continue;
    throw new DefinitionError(`event ${event.name}: a retraction can confirm required numbers, which ${field} is not`);
  }
  return t.field({
    description: `Takes one recorded ${event.name} out again, as if it had never been; its id stays known. Safe to send again.`,
    ...options,
    type: registry.generated(retractPayloadType, event),
    nullable: false,
    authScopes: whoeverMay('events:write'),
    args: {
      input: t.arg({
        type: inputType(registry, event, `Retract${event.name}Input`, 'Which event is taken out again.', confirm),
        required: true,
        description: `Which ${event.name}, and what was recorded of it.`,
      }),
    },
    resolve: async (_, { input }, context, info) => {
      assertWithinLimits(info);
      const foreign = foreignReason(context.caller, registry.viewsOf(event), input);
      const outcome = foreign === null ? await context.engine.retract(event, confirm, input) : rejected(foreign);
      return corrected('retract', input, outcome, context);
    },
  });
}

/** `LabelTransactionInput` */
function labelInputType(registry: SchemaRegistry, event: Event) {
  if (!registry.viewsOf(event).some(usesLabel)) {
    throw new DefinitionError(
      `event ${event.name}: is labelled, but nothing in the schema's views depends on its ${labelOf(event)}`,
    );
  }
  return inputType(registry, event, `Label${event.name}Input`, 'A label, and which event it is of.', [
    labelOf(event) as string,
  ]);
}

function inputType(registry: SchemaRegistry, event: Event, name: string, description: string, more: readonly string[]) {
  return registry.builder.inputRef<EventInput>(name).implement({
    description,
    fields: (t) =>
      Object.fromEntries(
        [...correctionFields(event, registry.viewsOf(event)), ...more].map((field) => [
          field,
          t.field({
            type: inputTypes[(event.fields[field] as Event['fields'][string]).type],
            required: true,
            description: describe(event, field),
          }),
        ]),
      ),
  });
}

function describe(event: Event, field: string): string {
  const { description } = event.fields[field] as Event['fields'][string];
  if (field === event.time) return `${description} As it was recorded.`;
  return field === labelOf(event) ? 'What it is known to be, in place of what was known before.' : description;
}

function corrected(
  kind: 'label' | 'retract',
  input: EventInput,
  outcome: Corrected['outcome'],
  { loaders, activity }: FreshetContext,
): Corrected {
  activity.countCorrection(kind, outcome.status);
  // What the request has read before is no longer true.
  loaders.clear();
  return { input, outcome };
}
