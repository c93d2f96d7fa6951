import {
  type DirectiveNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLObjectType,
  type GraphQLSchema,
  isAbstractType,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
  typeFromAST,
} from 'graphql';
import { isLeftOut } from '../operation-size.ts';

/** A valid operation, and all that decides which of its fields are selected. */
export interface SelectedOperation {
  readonly schema: GraphQLSchema;
  readonly operation: OperationDefinitionNode;
  readonly fragments: { readonly [name: string]: FragmentDefinitionNode };
  /** Those that `@skip` and `@include` go by, at least. */
  readonly variableValues: { readonly [name: string]: unknown };
}

/** Fields by the names under which they are answered, in the order of the answer (CollectFields of the specification). */
export function selectedFields(
  selected: SelectedOperation,
  type: GraphQLObjectType,
  selectionSets: readonly SelectionSetNode[],
): Map<string, FieldNode[]> {
  const fields = new Map<string, FieldNode[]>();
  const spread = new Set<string>();
  const collect = ({ selections }: SelectionSetNode): void => {
    for (const selection of selections) {
      if (isLeftOut(selected, selection)) continue;
      if (selection.kind === Kind.FIELD) {
        const name = (selection.alias ?? selection.name).value;
        const known = fields.get(name);
        if (known) known.push(selection);
        else fields.set(name, [selection]);
        continue;
      }
      if (selection.kind === Kind.FRAGMENT_SPREAD) {
        if (spread.has(selection.name.value)) continue;
        spread.add(selection.name.value);
      }
      const fragment = selection.kind === Kind.FRAGMENT_SPREAD ? selected.fragments[selection.name.value] : selection;
      if (fragment && applies(selected.schema, fragment, type)) collect(fragment.selectionSet);
    }
  };
  for (const selectionSet of selectionSets) collect(selectionSet);
  return fields;
}

/** Names of the variables by which parts of an operation are left out; null if it has directives of another kind. */
export function conditionVariables({
  operation,
  fragments,
}: Pick<SelectedOperation, 'operation' | 'fragments'>): readonly string[] | null {
  const names = new Set<string>();
  const note = ({ name, arguments: args = [] }: DirectiveNode): boolean => {
    if (name.value !== 'skip' && name.value !== 'include') return false;
    for (const { value } of args) if (value.kind === Kind.VARIABLE) names.add(value.name.value);
    return true;
  };
  // Only what the operation spreads: the fragments of others have variables of theirs.
  const spread = new Set<string>();
  const isKnownFragment = (name: string): boolean => {
    const fragment = fragments[name];
    if (!fragment || spread.has(name)) return true;
    spread.add(name);
    return isPlain(fragment);
  };
  const isKnown = (selection: SelectionNode): boolean => {
    if (!(selection.directives ?? []).every(note)) return false;
    if (selection.kind === Kind.FRAGMENT_SPREAD) return isKnownFragment(selection.name.value);
    return selection.selectionSet?.selections.every(isKnown) ?? true;
  };
  const isPlain = ({ directives = [], selectionSet }: OperationDefinitionNode | FragmentDefinitionNode): boolean =>
    directives.length === 0 && selectionSet.selections.every(isKnown);
  return isPlain(operation) ? [...names] : null;
}

function applies(
  schema: GraphQLSchema,
  { typeCondition }: { readonly typeCondition?: FragmentDefinitionNode['typeCondition'] | undefined },
  type: GraphQLObjectType,
): boolean {
  if (!typeCondition) return true;
  const condition = typeFromAST(schema, typeCondition);
  return condition === type || (isAbstractType(condition) && schema.isSubType(condition, type));
}
