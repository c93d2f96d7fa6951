import { FeatureCatalogueDocument, type FeatureCatalogueQuery } from '../../../schema/operations/generated.ts';
import { ask } from './ask.ts';

type CataloguedView = FeatureCatalogueQuery['featureViews'][number];
export type Feature = CataloguedView['features'][number];

/** A view that can be watched, and by which fields of the schema. */
export interface ServedView extends CataloguedView {
  /** The field of its entity that holds it, such as `riskProfile`. */
  readonly field: string;
  /** The query of one entity by id, such as `user`. */
  readonly entityField: string;
  /** Its past, such as `riskProfileSeries`; null if the deployment does not offer it. */
  readonly seriesField: string | null;
  /** Its updates, such as `userRiskProfileUpdated`, by what argument, and where in an update the entity is. */
  readonly updatesField: string;
  readonly idsArgument: string;
  readonly updatedEntityField: string;
}

/** A type of introspection, as deep as `[UserRiskProfileUpdate!]!`. */
interface TypeReference {
  readonly kind: string;
  readonly name: string | null;
  readonly ofType?: TypeReference | null;
}

interface IntrospectedType {
  readonly fields: readonly {
    readonly name: string;
    readonly args: readonly { readonly name: string; readonly type: TypeReference }[];
    readonly type: TypeReference;
  }[];
}

/**
 * The views that this deployment lets be watched. Fields are found by their types, so whatever a team calls them, a new
 * entity or view is on the page without a line here.
 */
export async function loadCatalogue(): Promise<ServedView[]> {
  const { data } = await ask(FeatureCatalogueDocument, {});
  const views = data.featureViews;
  const types = new Set(views.flatMap(({ entity, typeName }) => [entity, `${typeName}Update`]));
  const names = ['Query', 'Subscription', ...types];
  const described = (await ask<Record<string, IntrospectedType | null>, unknown>(introspection(names))).data;
  const typeOf = (name: string) => described[`t${names.indexOf(name)}`] ?? { fields: [] };
  return views.flatMap((view) => servedView(view, typeOf) ?? []);
}

function servedView(view: CataloguedView, typeOf: (name: string) => IntrospectedType): ServedView | null {
  const field = view.fieldPath.split('.')[1];
  const update = `${view.typeName}Update`;
  const updates = typeOf('Subscription').fields.find(({ type }) => named(type) === update);
  const idsArgument = updates?.args.find(({ type }) => isList(type) && named(type) === 'ID')?.name;
  const updatedEntityField = typeOf(update).fields.find(({ type }) => named(type) === view.entity)?.name;
  const entityField = typeOf('Query').fields.find(
    ({ type, args }) => !isList(type) && named(type) === view.entity && args.some(({ name }) => name === 'id'),
  )?.name;
  const series = typeOf(view.entity).fields.find(
    ({ type, args }) => isList(type) && named(type) === view.typeName && args.some(({ name }) => name === 'at'),
  );
  if (!field || !updates || !idsArgument || !updatedEntityField || !entityField) return null;
  const seriesField = series?.name ?? null;
  return { ...view, field, entityField, seriesField, updatesField: updates.name, idsArgument, updatedEntityField };
}

function introspection(names: readonly string[]): string {
  const types = names.map((name, i) => `t${i}: __type(name: ${JSON.stringify(name)}) { ...Fields }`);
  return `query { ${types.join(' ')} }
    fragment Fields on __Type { fields { name args { name type { ...Named } } type { ...Named } } }
    fragment Named on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }`;
}

function named(type: TypeReference): string | null {
  return type.ofType ? named(type.ofType) : type.name;
}

function isList(type: TypeReference): boolean {
  return type.kind === 'LIST' || (type.ofType ? isList(type.ofType) : false);
}
