import { camelCase, DefinitionError, type View } from '../define/index.ts';
import type { UpdateCause } from '../live/index.ts';
import { describedEnum } from './described-enum.ts';
import { idsArgument, maxIds } from './limits.ts';
import { assertWithinLimits, sizedArgumentExtension } from './operation-size.ts';
import { plural } from './plural.ts';
import { registryOf, type SchemaRegistry } from './registry.ts';
import type { FreshetFieldOptions, FreshetTypes } from './types.ts';
import { type EntityUpdate, type Message, WatchStream } from './watch-stream.ts';

/**
 * `userRiskProfileUpdated(userIds: [ID!]!): [UserRiskProfileUpdate!]!`. The snapshot is awaited before the stream
 * begins, so that a store that is away is an error of the operation and not a broken stream.
 */
export function updatesField(
  t: PothosSchemaTypes.SubscriptionFieldBuilder<FreshetTypes, object>,
  view: View,
  options: FreshetFieldOptions = {},
) {
  const registry = registryOf(t.builder);
  const argument = `${camelCase(view.entity.name)}Ids`;
  return t.field({
    description: `First a snapshot of each ${view.entity.name}’s ${view.typeName}, then every change, once an event, or anyone’s read, brings it to light. A message holds all that changed since the last one. Ends after the snapshot if no id is valid.`,
    ...options,
    type: [registry.generated(updateType, view)],
    nullable: false,
    args: {
      [argument]: t.arg.idList({
        required: true,
        description: `Ids of the ${plural(view.entity.name)} to watch; at most ${maxIds}. A bad one appears in the snapshot with its error.`,
      }),
    },
    extensions: { [sizedArgumentExtension]: idsArgument(argument) },
    subscribe: (_, args, { hub }, info) => {
      assertWithinLimits(info);
      return WatchStream.open(hub, view, args[argument] as string[]);
    },
    resolve: (message: Message, _, { loaders, budget }) => {
      // One context lasts as long as the subscription; what else a message asks of its entities must be of now.
      loaders.clear();
      budget.renew();
      if (message.kind === 'failure') throw message.error;
      return [...message.updates];
    },
  });
}

const causeDescriptions: { readonly [C in UpdateCause]: string } = {
  SNAPSHOT: 'The state when the subscription began.',
  EVENT: 'An event arrived.',
  DECAY: 'Only time passed, and something left a window or entered one behind its delay.',
  RESYNC: 'The connection to the store was interrupted; this is what holds now.',
};

function updateCauseEnum({ builder }: SchemaRegistry) {
  const description = 'Why an update was sent. Of several merged into one: RESYNC before EVENT before DECAY.';
  return describedEnum(builder, 'UpdateCause', description, causeDescriptions);
}

/** `UserRiskProfileUpdate { cause, user }` */
function updateType(registry: SchemaRegistry, view: View) {
  const { entity } = view;
  const entityName = camelCase(entity.name);
  if (entityName === 'cause') {
    throw new DefinitionError(
      `view ${view.name}: its updates have a field cause beside their entity; rename ${entity.name}`,
    );
  }
  return registry.builder.objectRef<EntityUpdate>(`${view.typeName}Update`).implement({
    description: `A change of ${view.typeName} of one ${entity.name}.`,
    fields: (t) => ({
      cause: t.field({
        type: registry.generated(updateCauseEnum, undefined),
        nullable: false,
        description: 'Why it was sent.',
        resolve: ({ cause }) => cause,
      }),
      [entityName]: t.field({
        type: registry.entityType(entity),
        nullable: false,
        description: `The ${entity.name}, with its values as of this update.`,
        resolve: (update) => update.entity,
      }),
    }),
  });
}
