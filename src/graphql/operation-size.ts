import {
  type FieldNode,
  type GraphQLCompositeType,
  type GraphQLError,
  type GraphQLField,
  GraphQLIncludeDirective,
  type GraphQLResolveInfo,
  GraphQLSkipDirective,
  getDirectiveValues,
  getNamedType,
  getNullableType,
  isCompositeType,
  isListType,
  isUnionType,
  Kind,
  OperationTypeNode,
  type SelectionNode,
  type SelectionSetNode,
  TypeNameMetaFieldDef,
  type ValueNode,
} from 'graphql';
import { contractError } from './errors.ts';
import { maxShownValues, maxVectors, type SizedArgument } from './limits.ts';
import { tooManyVectors } from './read-budget.ts';

/** Under this name a field's extensions say which view it serves. */
export const servedViewExtension = 'freshetView';

/** Under this name a field's extensions say that to show it costs as much as a vector, however long its list is. */
export const foldsExtension = 'freshetFolds';

/** Under this name a field's extensions say how many vectors' worth it costs, of which it shows none (see `operationCost`). */
export const worthExtension = 'freshetWorth';

/** Under this name a field's extensions say that a vector is read for each item of its list, whether it is shown or not. */
export const readsItemsExtension = 'freshetReadsItems';

/** Under this name a field's extensions have the `SizedArgument` that says how long the next list of its answer is. */
export const sizedArgumentExtension = 'freshetSizedArgument';

/** Under this name a field's extensions say how many values its own list may have. */
export const listedExtension = 'freshetListed';

/** Of an execution: all its fields share the object of its variables. */
const verdicts = new WeakMap<object, GraphQLError | null>();

/**
 * Measures a whole operation before the first of the plugin's own fields does anything: the lists that it sends, the
 * vectors and the values that it asks for. Otherwise a thousand would be refused one by one, and a mutation after
 * others had been done.
 * @throws TOO_MANY_IDS, BATCH_TOO_LARGE, QUERY_TOO_COMPLEX
 */
export function assertWithinLimits(info: GraphQLResolveInfo): void {
  let verdict = verdicts.get(info.variableValues);
  if (verdict === undefined) {
    verdict = excessOf(info);
    verdicts.set(info.variableValues, verdict);
  }
  if (verdict) throw verdict;
}

function excessOf(info: GraphQLResolveInfo): GraphQLError | null {
  const root = info.schema.getRootType(info.operation.operation);
  if (!root) return null;
  const operation = new OperationSize(info);
  const { vectors, values } = operation.below(root, [info.operation.selectionSet], 1);
  if (operation.tooLong) return operation.tooLong;
  if (vectors > maxVectors) return tooManyVectors(`asks for ${vectors}`);
  if (values <= maxShownValues) return null;
  const message = `The query asks for ${values} values: the limit is ${maxShownValues}; ask in parts`;
  return contractError('QUERY_TOO_COMPLEX', message);
}

/** What is shown with these variables. A list that comes with none of them counts as one item. */
export function shownBy(measured: Measured): Shown {
  const { schema, operation } = measured;
  const root = schema.getRootType(operation.operation);
  return root ? new OperationSize(measured).below(root, [operation.selectionSet], 1) : nothing;
}

/** How many events a mutation records, corrects or forgets; of other operations none. */
export function recordedBy(measured: Measured): number {
  const { schema, operation } = measured;
  const root = operation.operation === OperationTypeNode.MUTATION ? schema.getRootType(operation.operation) : null;
  return root ? new OperationSize(measured).items(root, operation.selectionSet) : 0;
}

/** What a field of an operation costs by what it shows, by how long the list is that comes with a variable for it. */
export interface CostByItems {
  readonly fixed: number;
  readonly eachItem: number;
}

/** @param node the first of those that are answered under its name, of which `selections` are all. */
export function shownCostOf(measured: Measured, node: FieldNode, selections: readonly FieldNode[]): CostByItems {
  const { schema, operation } = measured;
  const root = schema.getRootType(operation.operation);
  const field = root?.getFields()[node.name.value];
  const sized = field?.extensions[sizedArgumentExtension] as SizedArgument | undefined;
  const value = node.arguments?.find(({ name }) => name.value === sized?.argument)?.value;
  const shown = (variableValues: Measured['variableValues']) => {
    const selectionSet = { kind: Kind.SELECTION_SET, selections } as const;
    return root ? new OperationSize({ ...measured, variableValues }).below(root, [selectionSet], 1).cost : 0;
  };
  const one = shown(measured.variableValues);
  if (value?.kind !== Kind.VARIABLE) return { fixed: one, eachItem: 0 };
  const fixed = shown({ ...measured.variableValues, [value.name.value]: [] });
  return { fixed, eachItem: one - fixed };
}

/** What an operation is measured by. */
type Measured = Pick<GraphQLResolveInfo, 'schema' | 'operation' | 'fragments' | 'variableValues'>;

/** How much an operation shows. */
export interface Shown {
  readonly vectors: number;
  /** The vectors, those that are read and not shown, and what fields are worth that do other work. */
  readonly cost: number;
  /** All that is answered by name, objects too. */
  readonly values: number;
}

class OperationSize {
  readonly #info: Measured;
  /** Of the first list that is longer than it may be. */
  tooLong: GraphQLError | null = null;

  constructor(info: Measured) {
    this.#info = info;
  }

  /**
   * What one object shows.
   * @param items how many the next list below has, as far as that is known.
   */
  below(type: GraphQLCompositeType, selectionSets: readonly SelectionSetNode[], items: number): Shown {
    const fields = new Map<string, SelectedField>();
    for (const selectionSet of selectionSets) collect(this.#info, type, selectionSet, fields);
    let vectors = 0;
    let cost = 0;
    let values = 0;
    for (const { definition, nodes } of fields.values()) {
      const { extensions } = definition;
      const size = this.#sizeOf(definition, nodes[0]) ?? items;
      const isList = isListType(getNullableType(definition.type));
      const inner = getNamedType(definition.type);
      const selected = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
      const one = isCompositeType(inner) ? this.below(inner, selected, isList ? 1 : size) : nothing;
      const times = isList ? size : 1;
      const own = (extensions[servedViewExtension] ? times : 0) + (extensions[foldsExtension] ? 1 : 0);
      const worth = (extensions[worthExtension] as number | undefined) ?? 0;
      const each = extensions[readsItemsExtension] ? Math.max(1, one.cost) : one.cost;
      vectors += times * one.vectors + own;
      cost += times * each + own + worth;
      values += times * (one.values + 1);
    }
    return { vectors, cost, values };
  }

  /** For how many the fields of an object stand together. */
  items(type: GraphQLCompositeType, selectionSet: SelectionSetNode): number {
    const fields = new Map<string, SelectedField>();
    collect(this.#info, type, selectionSet, fields);
    let items = 0;
    for (const { definition, nodes } of fields.values()) items += this.#sizeOf(definition, nodes[0]) ?? 1;
    return items;
  }

  /** For how many a field stands that takes a list, or is one; undefined of others. */
  #sizeOf({ name, extensions }: GraphQLField<unknown, unknown>, node: FieldNode | undefined): number | undefined {
    const listed = extensions[listedExtension] as number | undefined;
    if (listed !== undefined) return listed;
    const sized = extensions[sizedArgumentExtension] as SizedArgument | undefined;
    if (!sized) return undefined;
    const value: ValueNode | undefined = node?.arguments?.find(({ name }) => name.value === sized.argument)?.value;
    const given = value?.kind === Kind.VARIABLE ? this.#info.variableValues[value.name.value] : undefined;
    const list = value?.kind === Kind.LIST ? value.values : given;
    const size = Array.isArray(list) ? list.length : 1;
    if (size > sized.most) this.tooLong ??= sized.refuse(`${name}(${sized.argument}:)`, size);
    return size;
  }
}

const nothing: Shown = { vectors: 0, cost: 0, values: 0 };

interface SelectedField {
  readonly definition: GraphQLField<unknown, unknown>;
  /** What is asked for several times under one name is answered once. */
  readonly nodes: FieldNode[];
}

function collect(
  info: Measured,
  type: GraphQLCompositeType,
  { selections }: SelectionSetNode,
  fields: Map<string, SelectedField>,
  spread = new Set<string>(),
): void {
  for (const selection of selections) {
    if (isLeftOut(info, selection)) continue;
    if (selection.kind === Kind.FIELD) {
      const definition = definitionOf(type, selection.name.value);
      if (!definition) continue;
      const key = `${type.name}.${(selection.alias ?? selection.name).value}`;
      const known = fields.get(key);
      if (known) known.nodes.push(selection);
      else fields.set(key, { definition, nodes: [selection] });
      continue;
    }
    if (selection.kind === Kind.FRAGMENT_SPREAD) {
      if (spread.has(selection.name.value)) continue;
      spread.add(selection.name.value);
    }
    const fragment = selection.kind === Kind.FRAGMENT_SPREAD ? info.fragments[selection.name.value] : selection;
    if (!fragment) continue;
    const condition = fragment.typeCondition && info.schema.getType(fragment.typeCondition.name.value);
    collect(info, isCompositeType(condition) ? condition : type, fragment.selectionSet, fields, spread);
  }
}

/** Whether `@skip` or `@include` leaves it out. */
export function isLeftOut({ variableValues }: Pick<Measured, 'variableValues'>, selection: SelectionNode): boolean {
  return (
    getDirectiveValues(GraphQLSkipDirective, selection, variableValues)?.if === true ||
    getDirectiveValues(GraphQLIncludeDirective, selection, variableValues)?.if === false
  );
}

function definitionOf(type: GraphQLCompositeType, name: string): GraphQLField<unknown, unknown> | undefined {
  if (name === TypeNameMetaFieldDef.name) return TypeNameMetaFieldDef;
  return isUnionType(type) ? undefined : type.getFields()[name];
}
