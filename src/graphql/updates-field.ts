import { RequestCache } from '@pothos/plugin-scope-auth';
import { camelCase, DefinitionError, type View } from '../define/index.ts';
import type { UpdateCause } from '../live/index.ts';
import { describedEnum } from './described-enum.ts';
import { contractError } from './errors.ts';
import { idsArgument, maxIds } from './limits.ts';
import { assertWithinLimits, readsItemsExtension, sizedArgumentExtension } from './operation-size.ts';
import { plural } from './plural.ts';
import { pureExtension } from './purity.ts';
import { registryOf, type SchemaRegistry } from './registry.ts';
import { whoeverMay } from './rules.ts';
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
    description: `First a snapshot of each ${view.entity.name}’s ${view.typeName}, then every change, be it by an event or by time alone. A message holds all that changed since the last one. Ends after the snapshot if no id is valid.`,
    ...options,
    type: [registry.generated(updateType, view)],
    nullable: false,
    authScopes: whoeverMay('features:read', () => [view]),
    args: {
      [argument]: t.arg.idList({
        required: true,
        description: `Ids of the ${plural(view.entity.name)} to watch; at most ${maxIds}. A bad one appears in the snapshot with its error.`,
      }),
      minIntervalMs: t.arg.int({
        defaultValue: defaultIntervalMs,
        required: true,
        description: `At most one message in so many milliseconds, up to ${longestIntervalMs}. The last one always holds the newest values.`,
      }),
      since: t.arg({
        type: [registry.generated(knownRevisionInput, undefined)],
        required: false,
        description: `What the client has already, for one that comes back: of a ${view.entity.name} that is still at its revision there is no snapshot.`,
      }),
    },
    extensions: {
      [sizedArgumentExtension]: idsArgument(argument),
      [readsItemsExtension]: true,
      [pureExtension]: view,
    },
    subscribe: (_, args, { hub, caller: { grants } }, info) => {
      assertWithinLimits(info);
      const { minIntervalMs, since } = args as unknown as PaceArguments;
      if (minIntervalMs < 0 || minIntervalMs > longestIntervalMs) {
        throw contractError(
          'BAD_USER_INPUT',
          `minIntervalMs is ${minIntervalMs}: it goes from 0 to ${longestIntervalMs}`,
        );
      }
      if (since && since.length > maxIds) throw idsArgument('since').refuse('since', since.length);
      const known = new Map(since?.map(({ id, revision }) => [id, Number(revision)]));
      const mayRead = (id: string) => grants.allows('features:read', view, id);
      return WatchStream.open(hub, view, args[argument] as string[], mayRead, { minIntervalMs, since: known });
    },
    resolve: (message: Message, _, context) => {
      // One context lasts as long as the subscription; what else a message asks of its entities must be of now.
      context.loaders.clear();
      context.budget.renew();
      // It keeps every answer that a team's own check has given.
      RequestCache.clearForContext(context);
      if (message.kind === 'failure') throw message.error;
      return [...message.updates];
    },
  });
}

const defaultIntervalMs = 50;
const longestIntervalMs = 60_000; // 1 minute

/** What every such field takes beside the ids. */
interface PaceArguments {
  readonly minIntervalMs: number;
  readonly since?: readonly KnownRevision[] | null;
}

interface KnownRevision {
  readonly id: string;
  readonly revision: string;
}

function knownRevisionInput({ builder }: SchemaRegistry) {
  return builder.inputRef<KnownRevision>('KnownRevisionInput').implement({
    description: 'What a client has of an entity.',
    fields: (t) => ({
      id: t.field({ type: 'ID', required: true, description: 'The entity’s id.' }),
      revision: t.string({ required: true, description: 'The revision of its newest update.' }),
    }),
  });
}

const causeDescriptions: { readonly [C in UpdateCause]: string } = {
  SNAPSHOT: 'The state when the subscription began.',
  EVENT: 'An event arrived.',
  DECAY: 'Only time passed, and something left a window or entered one behind its delay.',
  RESYNC: 'Changes may have gone unheard, as when the connection to the store was interrupted; this is what holds now.',
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
        extensions: { [pureExtension]: true },
        resolve: ({ cause }) => cause,
      }),
      [entityName]: t.field({
        type: registry.entityType(entity),
        nullable: false,
        description: `The ${entity.name}, with its values as of this update.`,
        extensions: { [pureExtension]: true },
        resolve: (update) => update.entity,
      }),
    }),
  });
}
