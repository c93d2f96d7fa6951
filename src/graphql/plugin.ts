import { BasePlugin, type PothosOutputFieldConfig, type PothosTypeConfig, type SchemaTypes } from '@pothos/core';
import type { GraphQLSchema } from 'graphql';
import { DefinitionError, type View } from '../define/index.ts';
import { servedViewExtension } from './operation-size.ts';
import { registryOf, type SchemaRegistry } from './registry.ts';
import { DateTime, Float, ID } from './scalars.ts';

/** Takes part in building the schema: brings the scalars and the views in, and checks that they fit together. */
export class FreshetPlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
  readonly #registry: SchemaRegistry = registryOf(this.builder);

  override beforeBuild(): void {
    const { builder } = this.#registry;
    if (!builder.configStore.hasImplementation('DateTime')) builder.addScalarType('DateTime', DateTime);
    this.#registry.setViews(this.options.views ?? []);
  }

  override onTypeConfig(typeConfig: PothosTypeConfig): PothosTypeConfig {
    // Pothos makes GraphQL's own ID and Float whatever it is told. Scalars come first, and whoever refers to one looks
    // it up here by its name, so from the first type that has fields on it is ours.
    if (typeConfig.kind !== 'Scalar' && typeConfig.kind !== 'Enum') {
      for (const scalar of [ID, Float]) this.buildCache.types.set(scalar.name, scalar);
    }
    return typeConfig;
  }

  override onOutputFieldConfig(field: PothosOutputFieldConfig<Types>): PothosOutputFieldConfig<Types> {
    const view = field.extensions?.[servedViewExtension] as View | undefined;
    if (view) {
      const path = `${field.parentType}.${field.name}`;
      if (field.parentType !== view.entity.name) {
        throw new DefinitionError(`view ${view.name}: is of ${view.entity.name}, so ${path} cannot serve it`);
      }
      // A series looks back only: it is not where the view is served.
      if (field.type.kind !== 'List') this.#registry.addPath(view, path);
    }
    return field;
  }

  override afterBuild(schema: GraphQLSchema): GraphQLSchema {
    const { views, servedViews } = this.#registry;
    for (const view of servedViews) {
      if (!views.includes(view)) {
        throw new DefinitionError(
          `view ${view.name}: is served by ${this.#registry.pathOf(view)} but not among the views of the schema; list it in toSchema({ views })`,
        );
      }
    }
    for (const view of views) {
      if (!servedViews.includes(view)) {
        throw new DefinitionError(
          `view ${view.name}: is among the views of the schema, but no field serves it; add t.featureView to the type of ${view.entity.name}`,
        );
      }
    }
    return schema;
  }
}
