import { type FieldDefinitionNode, parse, type TypeNode } from 'graphql';
import { FeatureCatalogueDocument, type FeatureCatalogueQuery } from '../../../schema/operations/generated.ts';
import { ask, askForSchema } from './ask.ts';

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

/**
 * The views that this deployment lets be watched. Fields are found by their types in the schema, so whatever a team calls them, a new
 * entity or view is on the page without a line here.
 */
export async function loadCatalogue(): Promise<ServedView[]> {
  const { data } = await ask(FeatureCatalogueDocument, {});
  const { definitions } = parse(await askForSchema(), { noLocation: true });
  const fieldsOf = new Map(
    definitions.flatMap((one) => (one.kind === 'ObjectTypeDefinition' ? [[one.name.value, one.fields ?? []]] : [])),
  );
  return data.featureViews.flatMap((view) => servedView(view, (type) => fieldsOf.get(type) ?? []) ?? []);
}

function servedView(
  view: CataloguedView,
  fieldsOf: (type: string) => readonly FieldDefinitionNode[],
): ServedView | null {
  const field = view.fieldPath.split('.')[1];
  const update = `${view.typeName}Update`;
  const updates = fieldsOf('Subscription').find(({ type }) => named(type) === update);
  const idsArgument = updates?.arguments?.find(({ type }) => isList(type) && named(type) === 'ID');
  const updatedEntityField = fieldsOf(update).find(({ type }) => named(type) === view.entity);
  const entityField = fieldsOf('Query').find(
    (one) => !isList(one.type) && named(one.type) === view.entity && takes(one, 'id'),
  );
  const series = fieldsOf(view.entity).find(
    (one) => isList(one.type) && named(one.type) === view.typeName && takes(one, 'at'),
  );
  if (!field || !updates || !idsArgument || !updatedEntityField || !entityField) return null;
  return {
    ...view,
    field,
    entityField: entityField.name.value,
    seriesField: series?.name.value ?? null,
    updatesField: updates.name.value,
    idsArgument: idsArgument.name.value,
    updatedEntityField: updatedEntityField.name.value,
  };
}

function takes({ arguments: args = [] }: FieldDefinitionNode, name: string): boolean {
  return args.some((one) => one.name.value === name);
}

function named(type: TypeNode): string {
  return type.kind === 'NamedType' ? type.name.value : named(type.type);
}

function isList(type: TypeNode): boolean {
  return type.kind === 'ListType' || (type.kind === 'NonNullType' && isList(type.type));
}
