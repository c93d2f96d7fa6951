import {
  type DocumentNode,
  type GraphQLCompositeType,
  type GraphQLSchema,
  getNamedType,
  isCompositeType,
  isUnionType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValueNode,
} from 'graphql';
import type { View } from '../define/index.ts';

/**
 * Under this name a field's extensions say that its answer, where it is given no argument, follows from its parent alone (true),
 * or does where its parent came with an update of this view.
 */
export const pureExtension = 'freshetPure';

/** With more variables that decide what is selected, hardly two clients select the same. */
const mostVariables = 4;

/** What a pure operation depends on beside the vectors. */
export interface Purity {
  /** Whose updates are watched. */
  readonly view: View;
  /** The name under which its field is answered. */
  readonly name: string;
  /** Variables that decide about what is selected; those with a default are looked up as they are given. */
  readonly variables: readonly string[];
}

const purities = new WeakMap<OperationDefinitionNode, Purity | null>();

/** Null for an operation that depends on more than its vectors. */
export function purityOf(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): Purity | null {
  const known = purities.get(operation);
  if (known !== undefined) return known;
  const purity = new PurityCheck(schema, document).of(operation);
  purities.set(operation, purity);
  return purity;
}

/** Whether a subscription is to the updates of a view: its one field says so. */
export function isWatch(schema: GraphQLSchema, operation: OperationDefinitionNode): boolean {
  const [field] = operation.selectionSet.selections;
  if (operation.operation !== 'subscription' || field?.kind !== Kind.FIELD) return false;
  return schema.getSubscriptionType()?.getFields()[field.name.value]?.extensions[pureExtension] !== undefined;
}

class PurityCheck {
  readonly #schema: GraphQLSchema;
  readonly #fragments: ReadonlyMap<string, { readonly condition: string; readonly selectionSet: SelectionSetNode }>;
  readonly #variables = new Set<string>();
  readonly #spread = new Set<string>();
  #view: View | undefined;

  constructor(schema: GraphQLSchema, document: DocumentNode) {
    this.#schema = schema;
    this.#fragments = new Map(
      document.definitions
        .filter((one) => one.kind === Kind.FRAGMENT_DEFINITION)
        .map((one) => [one.name.value, { condition: one.typeCondition.name.value, selectionSet: one.selectionSet }]),
    );
  }

  of(operation: OperationDefinitionNode): Purity | null {
    const [field, ...others] = operation.selectionSet.selections;
    if (field?.kind !== Kind.FIELD || others.length > 0 || (field.directives?.length ?? 0) > 0) return null;
    const definition = this.#schema.getSubscriptionType()?.getFields()[field.name.value];
    const type = definition && getNamedType(definition.type);
    this.#view = definition?.extensions[pureExtension] as View | undefined;
    if (!this.#view || !isCompositeType(type) || !field.selectionSet) return null;
    if (!this.#isPure(type, field.selectionSet) || this.#variables.size > mostVariables) return null;
    return { view: this.#view, name: (field.alias ?? field.name).value, variables: [...this.#variables] };
  }

  #isPure(type: GraphQLCompositeType, { selections }: SelectionSetNode): boolean {
    return selections.every((selection) => {
      for (const { name, arguments: given = [] } of selection.directives ?? []) {
        if (name.value !== 'skip' && name.value !== 'include') return false;
        for (const { value } of given) this.#note(value);
      }
      if (selection.kind === Kind.FIELD) {
        if (selection.name.value === '__typename') return true;
        const definition = isUnionType(type) ? undefined : type.getFields()[selection.name.value];
        const pure = definition?.extensions[pureExtension];
        if (!definition || (pure !== true && pure !== this.#view)) return false;
        if ((selection.arguments?.length ?? 0) > 0) return false;
        const inner = getNamedType(definition.type);
        return !selection.selectionSet || (isCompositeType(inner) && this.#isPure(inner, selection.selectionSet));
      }
      if (selection.kind === Kind.INLINE_FRAGMENT) {
        return this.#isPureAs(selection.typeCondition?.name.value, type, selection.selectionSet);
      }
      if (this.#spread.has(selection.name.value)) return true;
      this.#spread.add(selection.name.value);
      const fragment = this.#fragments.get(selection.name.value);
      return fragment !== undefined && this.#isPureAs(fragment.condition, type, fragment.selectionSet);
    });
  }

  #isPureAs(condition: string | undefined, type: GraphQLCompositeType, selectionSet: SelectionSetNode): boolean {
    const narrowed = condition === undefined ? type : this.#schema.getType(condition);
    return isCompositeType(narrowed) && this.#isPure(narrowed, selectionSet);
  }

  #note(value: ValueNode): void {
    if (value.kind === Kind.VARIABLE) this.#variables.add(value.name.value);
  }
}
