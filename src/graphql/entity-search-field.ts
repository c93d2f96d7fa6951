import type { Caller } from '../access/index.ts';
import type { View } from '../define/index.ts';
import type { Engine, EntitySearch, FoundEntity } from '../engine/index.ts';
import { clientError, contractError } from './errors.ts';
import { maxFound, maxVectors } from './limits.ts';
import { worthExtension } from './operation-size.ts';
import { registryOf, type SchemaRegistry } from './registry.ts';
import { whoeverMay } from './rules.ts';
import type { FreshetFieldOptions, FreshetTypes } from './types.ts';

const longestText = 256; // no id is longer
const defaultFound = 20;
/** What a search takes of what an operation may show: ten are all it may do. */
const vectorsWorth = maxVectors / 10;
/**
 * What a search costs whoever is limited by cost, in vectors: as many as the longest brings, whatever it is asked for, since it looks at
 * as many keys for one entity as for all. Less than `vectorsWorth`, since what costs more than two seconds' worth of a limit is never let
 * through: so one may search by every limit from 50 a second.
 */
const costWorth = maxFound;
/** Entities among which those are looked for that are the caller's to read, where not all are. */
const mostLookedAt = 10_000;

/** `searchEntities(text: String!, first: Int! = 20): EntitySearch!` */
export function searchEntitiesField(
  t: PothosSchemaTypes.QueryFieldBuilder<FreshetTypes, object>,
  options: FreshetFieldOptions = {},
) {
  const registry = registryOf(t.builder);
  return t.field({
    description:
      'Entities of which something is stored, by a part of their id: for people who do not know all of it. There is no index of ids, so it looks at what is stored, for a bounded time.',
    ...options,
    type: registry.generated(entitySearchType, undefined),
    nullable: false,
    authScopes: whoeverMay('features:read'),
    args: {
      text: t.arg.string({ required: true, description: 'A part of the id, A to Z in capitals or not; empty: any.' }),
      first: t.arg.int({
        required: true,
        defaultValue: defaultFound,
        description: `At most so many, up to ${maxFound}.`,
      }),
    },
    extensions: { [worthExtension]: costWorth },
    resolve: async (_, { text, first }, { caller, engine, budget }) => {
      budget.take(vectorsWorth);
      if (first < 1 || first > maxFound) {
        throw contractError('BAD_USER_INPUT', `first is ${first}: it goes from 1 to ${maxFound}`);
      }
      if (text.length > longestText) {
        throw contractError('BAD_USER_INPUT', `text has ${text.length} characters: no id has more than ${longestText}`);
      }
      try {
        return caller.grants.allowsAll('features:read')
          ? await engine.search(text, first)
          : await searchOwn(engine, caller, registry.views, text, first);
      } catch (error) {
        throw clientError(error);
      }
    },
  });
}

/** Only what the caller may read something of is found: of others not even that there are any. */
async function searchOwn(
  engine: Engine,
  { grants }: Caller,
  views: readonly View[],
  text: string,
  first: number,
): Promise<EntitySearch> {
  const { found, complete } = await engine.search(text, mostLookedAt);
  const own = found.filter(({ entity, id }) =>
    views.some((view) => view.entity === entity && grants.allows('features:read', view, id)),
  );
  return { found: own.slice(0, first), complete: complete && own.length <= first };
}

function entitySearchType(registry: SchemaRegistry) {
  return registry.builder.objectRef<EntitySearch>('EntitySearch').implement({
    description: 'What a search came to.',
    fields: (t) => ({
      found: t.field({
        type: [registry.generated(foundEntityType, undefined)],
        nullable: false,
        description: 'What was found, each entity once; first those of just this id.',
        resolve: ({ found }) => [...found],
      }),
      complete: t.exposeBoolean('complete', { nullable: false, description: 'Whether there are no more than these.' }),
    }),
  });
}

function foundEntityType({ builder }: SchemaRegistry) {
  return builder.objectRef<FoundEntity>('FoundEntity').implement({
    description: 'An entity of which something is stored.',
    fields: (t) => ({
      entity: t.string({
        nullable: false,
        description: 'Its type, such as `User`.',
        resolve: ({ entity }) => entity.name,
      }),
      id: t.exposeID('id', { nullable: false, description: 'Its id.' }),
    }),
  });
}
