import type { PothosOutputFieldConfig, PothosTypeConfig, SchemaTypes } from '@pothos/core';
import { PothosScopeAuthPlugin } from '@pothos/plugin-scope-auth';
import type { GraphQLFieldResolver, GraphQLSchema } from 'graphql';
import { DefinitionError, type View } from '../define/index.ts';
import type { FreshetContext } from './context.ts';
import { servedViewExtension } from './operation-size.ts';
import { own, workOf } from './own-resolvers.ts';
import { registryOf, type SchemaRegistry } from './registry.ts';
import { type Rule, ruleBehind, ruleExtension } from './rules.ts';
import { DateTime, Float, ID } from './scalars.ts';

type Resolve<Types extends SchemaTypes> = GraphQLFieldResolver<unknown, Types['Context'], object>;

/**
 * Takes part in building the schema: brings the scalars and the views in, and checks that they fit together, and that of each field
 * somebody has said who may ask for it. It is scope-auth as well, for it has to know what stands before its own resolvers.
 */
export class FreshetPlugin<Types extends SchemaTypes> extends PothosScopeAuthPlugin<Types> {
  readonly #registry: SchemaRegistry = registryOf(this.builder);

  override beforeBuild(): void {
    const { builder } = this.#registry;
    this.#assertGuarded();
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
    const rule = ruleBehind(field.pothosOptions.authScopes);
    return rule ? { ...field, extensions: { ...field.extensions, [ruleExtension]: rule } } : field;
  }

  /** @throws DefinitionError of a field of which nobody has said who may ask for it. */
  override wrapResolve(resolve: Resolve<Types>, field: PothosOutputFieldConfig<Types>): Resolve<Types> {
    this.#assertClassified(field);
    const guarded = super.wrapResolve(resolve, field);
    const rule = ruleBehind(field.pothosOptions.authScopes);
    if (!rule || guarded === resolve || this.#typeAsksToo(field)) return guarded;
    return rule.action === null ? resolve : unlessAllowed(rule.action, resolve, guarded);
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

  /** What would let everything through. */
  #assertGuarded(): void {
    const { options } = this.builder;
    if (options.plugins?.includes('scopeAuth')) {
      throw new DefinitionError("plugins: freshet does what scopeAuth does; list it without 'scopeAuth'");
    }
    if (options.scopeAuth?.authorizeOnSubscribe !== true || this.options.disableScopeAuth) {
      throw new DefinitionError(
        'scopeAuth: a builder is given the one that comes with freshet, and toSchema no disableScopeAuth: else subscriptions, or all, would be for anyone',
      );
    }
  }

  #assertClassified({ parentType, name, pothosOptions }: PothosOutputFieldConfig<Types>): void {
    const { kind, pothosOptions: typeOptions } = this.buildCache.getTypeConfig(parentType);
    const isRoot = kind === 'Query' || kind === 'Mutation' || kind === 'Subscription';
    if (!isRoot && !this.#registry.isEntityType(parentType)) return;
    const { authScopes, skipTypeScopes } = pothosOptions as Classifying;
    if (authScopes || (!skipTypeScopes && (typeOptions as Classifying).authScopes)) return;
    throw new DefinitionError(
      `${parentType}.${name}: nobody has said who may ask for it; give it authScopes, such as { 'features:read': true }, { admin: true }, or { known: true } for whoever has any scope`,
    );
  }

  /** Whether scope-auth looks at more than the field's own check. */
  #typeAsksToo({ parentType, declaringType, pothosOptions }: PothosOutputFieldConfig<Types>): boolean {
    const type = this.buildCache.getTypeConfig(parentType);
    const { authScopes, grantScopes } = type.pothosOptions as Classifying;
    const isPlain = !('interfaces' in type) || type.interfaces.length === 0;
    return (
      Boolean(authScopes || grantScopes || (pothosOptions as Classifying).grantScopes || declaringType) || !isPlain
    );
  }
}

/** As much of the options of fields and of types as scope-auth goes by. */
interface Classifying {
  readonly authScopes?: unknown;
  readonly grantScopes?: unknown;
  readonly skipTypeScopes?: boolean;
}

/** Whoever may do all of it is not looked at any further. What the resolver does by itself is known of this one as well. */
function unlessAllowed<Types extends SchemaTypes>(
  action: NonNullable<Rule['action']>,
  resolve: Resolve<Types>,
  guarded: Resolve<Types>,
): Resolve<Types> {
  const either: Resolve<Types> = (parent, args, context, info) =>
    (context as FreshetContext).caller.grants.allowsAll(action)
      ? resolve(parent, args, context, info)
      : guarded(parent, args, context, info);
  const work = workOf(resolve);
  return work ? own(work, either) : either;
}
