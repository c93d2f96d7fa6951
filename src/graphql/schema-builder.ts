import SchemaBuilder from '@pothos/core';
import type { Entity } from '../define/index.ts';
import { pure } from './own-resolvers.ts';
import { pureExtension } from './purity.ts';
import { registryOf } from './registry.ts';
import { everyone } from './rules.ts';
import type { EntityRef, EntityTypeOptions, EntityTypeRef, FreshetBuilder, FreshetTypes } from './types.ts';

const schemaBuilder = SchemaBuilder.prototype as FreshetBuilder;

schemaBuilder.entityType = function entityType(
  this: FreshetBuilder,
  entity: Entity,
  options: EntityTypeOptions<FreshetTypes> = {},
): EntityTypeRef {
  const ref = this.objectRef<EntityRef>(entity.name);
  registryOf(this).addEntityType(entity, ref);
  return ref.implement({
    description: options.description ?? entity.description,
    fields: (t) => ({
      id: t.id({
        nullable: false,
        description: `The id of the ${entity.name}, as its events have it.`,
        authScopes: everyone(),
        extensions: { [pureExtension]: true },
        resolve: pure(({ id }) => id),
      }),
      ...options.fields?.(t),
    }),
  });
};
