import type { Entity } from '../define/index.ts';
import { idsArgument, maxIds } from './limits.ts';
import { sizedArgumentExtension } from './operation-size.ts';
import { plural } from './plural.ts';
import { registryOf } from './registry.ts';
import { root } from './root-resolver.ts';
import { whoeverMay } from './rules.ts';
import type { EntityRef, FreshetFieldOptions, FreshetTypes } from './types.ts';

type QueryFields = PothosSchemaTypes.QueryFieldBuilder<FreshetTypes, object>;

/** `user(id: ID!): User!`. It reads nothing by itself: what is asked of the entity does. */
export function entityField(t: QueryFields, entity: Entity, options: FreshetFieldOptions = {}) {
  const registry = registryOf(t.builder);
  return t.field({
    description: `One ${entity.name} by id. Never null: an unknown one has empty windows.`,
    ...options,
    type: registry.entityType(entity),
    nullable: false,
    authScopes: whoeverMay('features:read', () => registry.viewsFor(entity)),
    args: { id: t.arg.id({ required: true, description: `The id of the ${entity.name}.` }) },
    resolve: root(({ id }: { id: string }): EntityRef => ({ id })),
  });
}

/** `users(ids: [ID!]!): [User!]!` */
export function entitiesField(t: QueryFields, entity: Entity, options: FreshetFieldOptions = {}) {
  const registry = registryOf(t.builder);
  return t.field({
    description: `${plural(entity.name)} by id, in the order asked; their vectors come in one round trip.`,
    ...options,
    type: [registry.entityType(entity)],
    nullable: false,
    authScopes: whoeverMay('features:read', () => registry.viewsFor(entity)),
    args: {
      ids: t.arg.idList({
        required: true,
        description: `The ids, in any order, repeats allowed; at most ${maxIds}.`,
      }),
    },
    extensions: { [sizedArgumentExtension]: idsArgument('ids') },
    resolve: root(({ ids }: { ids: string[] }): EntityRef[] => ids.map((id) => ({ id }))),
  });
}
