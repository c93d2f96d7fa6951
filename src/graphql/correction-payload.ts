import type { Event } from '../define/index.ts';
import type { CorrectionOutcome, LabelStatus, RetractStatus, ViewCorrection } from '../engine/index.ts';
import { describedEnum } from './described-enum.ts';
import { entityFields, outcomeFields, type PayloadWording, type SentEvent } from './payload-fields.ts';
import type { SchemaRegistry } from './registry.ts';
import type { FreshetTypes } from './types.ts';

/** An event that was to be corrected, and what became of it. */
export interface Corrected extends SentEvent {
  readonly outcome: CorrectionOutcome<string>;
}

const labelDescriptions: { readonly [S in LabelStatus]: string } = {
  LABELLED: 'The event has this label now, in every view in which something depends on it.',
  DUPLICATE: 'It had this label already, and nothing changed.',
  NOT_FOUND: 'No such event is known: record it first. Nothing changed in the views that say so.',
  TOO_OLD: 'It can no longer be labelled. Nothing changed in the views that say so; the reason says why.',
  REJECTED: 'It breaks a rule, and sending it again does not help: no effect. The reason says which.',
  UNAVAILABLE: 'A part of the store could not be reached: it may or may not be done. Sending it again is safe.',
};

const retractDescriptions: { readonly [S in RetractStatus]: string } = {
  RETRACTED: 'The event counts no more, in any view. Its id stays known: sent again, it is a duplicate.',
  NOT_FOUND: 'No such event is known. Nothing changed in the views that say so.',
  MISMATCH: 'It was recorded otherwise than is told here; the reason says in what. Nothing changed in any view.',
  TOO_OLD: 'It can no longer be taken out. Nothing changed in the views that say so; the reason says why.',
  REJECTED: 'It breaks a rule, and sending it again does not help: no effect. The reason says which.',
  UNAVAILABLE: 'A part of the store could not be reached: it may or may not be done. Sending it again is safe.',
};

/** `LabelStatus`, which all events share. */
function labelStatusEnum({ builder }: SchemaRegistry) {
  return describedEnum(builder, 'LabelStatus', 'What became of a label.', labelDescriptions);
}

/** `LabelledView`, which all events share. */
function labelledViewType(registry: SchemaRegistry) {
  return viewType(registry, 'LabelledView', 'What became of a label in one view.', labelStatusEnum);
}

/** `LabelTransactionPayload` */
export function labelPayloadType(registry: SchemaRegistry, event: Event) {
  const description = `What became of the label of one ${event.name}, and the features that it changed.`;
  return payloadType(registry, event, `Label${event.name}Payload`, description, labelStatusEnum, labelledViewType);
}

/** `RetractStatus`, which all events share. */
function retractStatusEnum({ builder }: SchemaRegistry) {
  return describedEnum(builder, 'RetractStatus', 'What became of a retraction.', retractDescriptions);
}

/** `RetractedView`, which all events share. */
function retractedViewType(registry: SchemaRegistry) {
  return viewType(registry, 'RetractedView', 'What became of a retraction in one view.', retractStatusEnum);
}

/** `RetractTransactionPayload` */
export function retractPayloadType(registry: SchemaRegistry, event: Event) {
  const description = `What became of the retraction of one ${event.name}, and the features that it changed.`;
  return payloadType(registry, event, `Retract${event.name}Payload`, description, retractStatusEnum, retractedViewType);
}

type StatusEnum = PayloadWording['statusEnum'];
type ViewType = (registry: SchemaRegistry) => PothosSchemaTypes.ObjectRef<FreshetTypes, ViewCorrection<string>>;

function viewType(registry: SchemaRegistry, name: string, description: string, status: StatusEnum) {
  return registry.builder.objectRef<ViewCorrection<string>>(name).implement({
    description,
    fields: (t) => ({
      name: t.string({
        nullable: false,
        description: 'The view, as `featureViews` has it.',
        resolve: ({ view }) => view.name,
      }),
      status: t.field({
        type: registry.generated(status, undefined),
        nullable: false,
        description: 'What became of it there.',
        resolve: (one) => one.status,
      }),
      reason: t.string({
        nullable: true,
        description: 'Why it was not done there, or had nothing to do.',
        resolve: ({ reason }) => reason,
      }),
    }),
  });
}

const wording: Omit<PayloadWording, 'statusEnum'> = {
  status: 'What became of it: that of the view in which least was done.',
  reason: 'Which views it was not done in, and why; null if it was done in all.',
  occurredAt: 'The recorded time, where that is known. Null if no such event is known.',
};

function payloadType(
  registry: SchemaRegistry,
  event: Event,
  name: string,
  description: string,
  status: StatusEnum,
  viewResult: ViewType,
) {
  return registry.builder.objectRef<Corrected>(name).implement({
    description,
    fields: (t) => {
      const own = {
        ...outcomeFields(t, registry, event, { ...wording, statusEnum: status }, ['views']),
        views: t.field({
          type: [registry.generated(viewResult, undefined)],
          nullable: false,
          description: 'What became of it in each view that it concerns: each is corrected whole, or not at all.',
          resolve: ({ outcome }) => outcome.views,
        }),
      };
      return { ...own, ...entityFields(t, registry, event, Object.keys(own)) };
    },
  });
}
