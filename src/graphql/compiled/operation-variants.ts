import {
  type DocumentNode,
  type GraphQLSchema,
  getOperationAST,
  getVariableValues,
  Kind,
  type VariableDefinitionNode,
} from 'graphql';
import { CompiledOperation } from './compile-operation.ts';
import { conditionVariables, type SelectedOperation } from './selected-fields.ts';
import type { Variables } from './variables.ts';

/** So many variables may decide about what is selected: each outcome of theirs is compiled by itself. */
const mostConditions = 3;

/** An operation in which variables may leave parts out. */
type ConditionalOperation = Omit<SelectedOperation, 'variableValues'> & {
  readonly conditions: readonly VariableDefinitionNode[];
};

/** An operation with all the ways in which variables may leave parts of it out, each compiled when it first comes up. */
export class OperationVariants {
  /** How many may be compiled. */
  readonly most: number;
  /** Null: there is just one, or none. */
  readonly #conditional: ConditionalOperation | null;
  readonly #compiled = new Map<string, CompiledOperation | null>();
  readonly #only: CompiledOperation | null;

  /** What no variable decides about is compiled at once. */
  constructor(schema: GraphQLSchema, document: DocumentNode, operationName: string | null) {
    const operation = getOperationAST(document, operationName) ?? null;
    const fragments = fragmentsOf(document);
    const names = operation && conditionVariables({ operation, fragments });
    const conditions = operation?.variableDefinitions?.filter(({ variable }) => names?.includes(variable.name.value));
    const isKnown = operation !== null && names !== null && names.length <= mostConditions;
    this.#conditional = isKnown && conditions?.length ? { schema, operation, fragments, conditions } : null;
    this.#only =
      isKnown && !this.#conditional ? CompiledOperation.of({ schema, operation, fragments, variableValues: {} }) : null;
    this.most = this.#conditional ? 2 ** this.#conditional.conditions.length : 1;
  }

  /** The one for these variables, as they were given; null: it is for the reference. */
  for(given: Variables): CompiledOperation | null {
    if (!this.#conditional) return this.#only;
    const { conditions, ...selected } = this.#conditional;
    const { coerced } = getVariableValues(selected.schema, conditions, given, { maxErrors: 1 });
    if (!coerced) return null;
    const key = JSON.stringify(coerced);
    const known = this.#compiled.get(key);
    if (known !== undefined) return known;
    const compiled = CompiledOperation.of({ ...selected, variableValues: coerced });
    this.#compiled.set(key, compiled);
    return compiled;
  }
}

function fragmentsOf(document: DocumentNode): SelectedOperation['fragments'] {
  return Object.fromEntries(
    document.definitions.flatMap((one) => (one.kind === Kind.FRAGMENT_DEFINITION ? [[one.name.value, one]] : [])),
  );
}
