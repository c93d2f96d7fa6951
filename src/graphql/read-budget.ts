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
  isCompositeType,
  isUnionType,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
  type ValueNode,
} from 'graphql';
import { contractError } from './errors.ts';
import { maxVectors } from './limits.ts';

/** Under this name a field's extensions say which view it serves. */
export const servedViewExtension = 'freshetView';

/** Under this name a field's extensions name its argument that is a list: it stands for as many as that has items. */
export const sizeArgumentExtension = 'freshetSizeArgument';

/**
 * What one operation, or one message of a subscription, may still show. It counts what is shown and not what is read:
 * a vector that is read once may be asked for by fifty aliases.
 */
export class ReadBudget {
  #left = maxVectors;

  /** @throws QUERY_TOO_COMPLEX */
  take(): void {
    this.#left--;
    if (this.#left < 0) throw tooMany('shows more');
  }

  renew(): void {
    this.#left = maxVectors;
  }
}

type Verdict = GraphQLError | null;

/** Of an execution: all its fields share the object of its variables. */
const verdicts = new WeakMap<object, Verdict>();

/**
 * Counts the vectors that an operation asks for in the plugin's own fields, before the first of them does anything:
 * otherwise a thousand would be refused one by one, and a mutation after others had been done.
 * @throws QUERY_TOO_COMPLEX
 */
export function assertReadsWithinLimit(info: GraphQLResolveInfo): void {
  let verdict = verdicts.get(info.variableValues);
  if (verdict === undefined) {
    const root = info.schema.getRootType(info.operation.operation);
    const vectors = root ? vectorsIn(info, root, [info.operation.selectionSet]) : 0;
    verdict = vectors > maxVectors ? tooMany(`asks for ${vectors}`) : null;
    verdicts.set(info.variableValues, verdict);
  }
  if (verdict) throw verdict;
}

function tooMany(what: string): GraphQLError {
  return contractError(
    'QUERY_TOO_COMPLEX',
    `The query ${what} feature vectors: the limit is ${maxVectors}; ask in parts`,
  );
}

/** The vectors below one object. */
function vectorsIn(
  info: GraphQLResolveInfo,
  type: GraphQLCompositeType,
  selectionSets: readonly SelectionSetNode[],
): number {
  const fields = new Map<string, SelectedField>();
  for (const selectionSet of selectionSets) collect(info, type, selectionSet, fields);
  let vectors = 0;
  for (const { definition, nodes } of fields.values()) {
    if (definition.extensions[servedViewExtension]) vectors++;
    const inner = getNamedType(definition.type);
    const below = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
    if (isCompositeType(inner) && below.length > 0) {
      vectors += sizeOf(info, definition, nodes[0]) * vectorsIn(info, inner, below);
    }
  }
  return vectors;
}

interface SelectedField {
  readonly definition: GraphQLField<unknown, unknown>;
  /** What is asked for several times under one name is answered once. */
  readonly nodes: FieldNode[];
}

function collect(
  info: GraphQLResolveInfo,
  type: GraphQLCompositeType,
  { selections }: SelectionSetNode,
  fields: Map<string, SelectedField>,
  spread = new Set<string>(),
): void {
  for (const selection of selections) {
    if (isLeftOut(info, selection)) continue;
    if (selection.kind === Kind.FIELD) {
      const definition = isUnionType(type) ? undefined : type.getFields()[selection.name.value];
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

function isLeftOut({ variableValues }: GraphQLResolveInfo, selection: SelectionNode): boolean {
  return (
    getDirectiveValues(GraphQLSkipDirective, selection, variableValues)?.if === true ||
    getDirectiveValues(GraphQLIncludeDirective, selection, variableValues)?.if === false
  );
}

/** For how many a field stands. */
function sizeOf(
  { variableValues }: GraphQLResolveInfo,
  { extensions }: GraphQLField<unknown, unknown>,
  node: FieldNode | undefined,
): number {
  const name = extensions[sizeArgumentExtension];
  const value: ValueNode | undefined = node?.arguments?.find((argument) => argument.name.value === name)?.value;
  if (value?.kind === Kind.LIST) return value.values.length;
  const given = value?.kind === Kind.VARIABLE ? variableValues[value.name.value] : undefined;
  return Array.isArray(given) ? given.length : 1;
}
