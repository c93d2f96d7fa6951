import {
  coerceInputValue,
  type GraphQLInputType,
  type GraphQLSchema,
  isInputType,
  isNonNullType,
  type OperationDefinitionNode,
  typeFromAST,
  valueFromAST,
} from 'graphql';
import { NotCompilableError } from './not-compilable.ts';
import { notPlain, type PlainCoercion, plainCoercion } from './plain-input.ts';

export type Variables = { readonly [name: string]: unknown };

interface Variable {
  readonly name: string;
  readonly type: GraphQLInputType;
  readonly coerce: PlainCoercion;
  readonly isRequired: boolean;
  /** Undefined: there is none. */
  readonly byDefault: unknown;
}

const faulty = new Error('a variable that does not fit');

function refuse(): never {
  throw faulty;
}

/** The variables of an operation: GraphQL's own coercion, with what it looks up of the operation each time looked up once. */
export class OperationVariables {
  readonly #variables: readonly Variable[];

  constructor(schema: GraphQLSchema, { variableDefinitions = [] }: OperationDefinitionNode) {
    this.#variables = variableDefinitions.map(({ variable, type: node, defaultValue }): Variable => {
      // GraphQL keeps variables in a plain object, which loses this one.
      if (variable.name.value === '__proto__') throw new NotCompilableError('a variable that GraphQL cannot hold');
      const type = typeFromAST(schema, node);
      if (!isInputType(type)) throw new NotCompilableError('a variable that takes no input');
      return {
        name: variable.name.value,
        type,
        coerce: plainCoercion(type),
        isRequired: isNonNullType(type),
        byDefault: defaultValue && valueFromAST(defaultValue, type),
      };
    });
  }

  /** What GraphQL's `getVariableValues` has for these; null where something does not fit. */
  coerce(given: Variables): Variables | null {
    const coerced: { [name: string]: unknown } = {};
    try {
      for (const { name, type, coerce, isRequired, byDefault } of this.#variables) {
        if (Object.hasOwn(given, name)) {
          const plain = coerce(given[name]);
          coerced[name] = plain === notPlain ? coerceInputValue(given[name], type, refuse) : plain;
        } else if (byDefault !== undefined) coerced[name] = byDefault;
        else if (isRequired) return null;
      }
    } catch (error) {
      if (error === faulty) return null;
      throw error;
    }
    return coerced;
  }
}
