import type { FieldKind, SchemaTypes } from '@pothos/core';
import type { View } from '../define/index.ts';
import type { Vector } from '../engine/index.ts';
import type { FreshetContext } from './context.ts';
import type { FreshetScalars } from './scalars.ts';
import type { FreshetScopes } from './scopes.ts';

/** What stands behind an entity's type: enough to read its views, and what came with it. */
export interface EntityRef {
  readonly id: string;
  /** Vectors that need not be read again: a record payload's, or an update's. */
  readonly vectors?: ReadonlyMap<View, Vector>;
  /** Why a vector cannot be had; to ask for it would only be to wait once more. */
  readonly failures?: ReadonlyMap<View, Error>;
}

/** Options of every field that the plugin makes. */
export interface FreshetFieldOptions {
  /** Left out, one is made from the definitions. */
  readonly description?: string;
  readonly deprecationReason?: string;
}

/** Options of an entity's type. */
export interface EntityTypeOptions<Types extends SchemaTypes> {
  /** Left out, the entity's own. */
  readonly description?: string;
  /** The entity's fields beside `id`: feature views, and whatever else the team knows of it. */
  readonly fields?: (t: PothosSchemaTypes.ObjectFieldBuilder<Types, EntityRef>) => EntityFields<Types>;
}

type EntityFields<Types extends SchemaTypes> = {
  readonly [name: string]: PothosSchemaTypes.FieldRef<Types, unknown, FieldKind>;
};

/** The least that the plugin asks of a builder's types. Inside the plugin, every builder is seen as one of these. */
export type FreshetTypes = PothosSchemaTypes.ExtendDefaultTypes<{
  Context: FreshetContext;
  Scalars: FreshetScalars;
  AuthScopes: FreshetScopes;
}>;

export type FreshetBuilder = PothosSchemaTypes.SchemaBuilder<FreshetTypes>;

/** The object type of an entity. */
export type EntityTypeRef<Types extends SchemaTypes = FreshetTypes> = PothosSchemaTypes.ObjectRef<Types, EntityRef>;
