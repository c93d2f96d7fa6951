import {
  type ASTNode,
  BREAK,
  coerceInputValue,
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  isInputType,
  isNonNullType,
  isValueNode,
  Kind,
  typeFromAST,
  type ValidationContext,
  type ValidationRule,
  ValuesOfCorrectTypeRule,
  visit,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { beforeExecution, type SentOperation } from './before-execution.ts';
import { httpExtension } from './errors.ts';
import { shownMessage } from './shorten.ts';

/** Where in its input a client went wrong: the variable or argument, then fields and indices. */
export type InputPath = readonly (string | number)[];

/** Beyond this many, a client knows what it did. */
const mostErrors = 20;

/** Thrown to leave a value of which nobody wants to hear more. */
const enough = new Error('enough errors');

/**
 * Gives what GraphQL could not coerce, in variables and in inline values, the code `BAD_USER_INPUT` and the place in
 * `extensions.inputPath`. Execution has not begun then. Variables that fit are coerced twice: of those that do not,
 * GraphQL would repeat the whole value in each of fifty messages.
 */
export function useInputErrors(): Plugin {
  return {
    onValidate({ validateFn, setValidationFn }) {
      setValidationFn((schema: GraphQLSchema, document: DocumentNode, rules?: readonly ValidationRule[], ...rest: []) =>
        validateFn(
          schema,
          document,
          rules?.map((rule) => (rule === ValuesOfCorrectTypeRule ? inlineValues : rule)),
          ...rest,
        ),
      );
    },
    ...beforeExecution(variableErrors),
  };
}

/** What is wrong with the variables of an operation, place by place, as far as it is told; empty if nothing is. */
export function variableErrors(operation: SentOperation): GraphQLError[] {
  const errors: GraphQLError[] = [];
  try {
    checkVariables(operation, (error) => {
      errors.push(error);
      if (errors.length >= mostErrors) throw enough;
    });
  } catch (error) {
    if (error !== enough) throw error;
  }
  return errors;
}

function checkVariables(
  { schema, document, operationName, variableValues }: SentOperation,
  report: (error: GraphQLError) => void,
): void {
  const values = variableValues ?? {};
  for (const definition of getOperationAST(document, operationName)?.variableDefinitions ?? []) {
    const name = definition.variable.name.value;
    const type = typeFromAST(schema, definition.type);
    const fault = (path: InputPath, message: string) =>
      report(inputError([name, ...path], message, definition.variable));
    if (!isInputType(type)) continue;
    const given = Object.hasOwn(values, name);
    if (!given && definition.defaultValue) continue;
    if (isNonNullType(type) && (values[name] ?? null) === null) {
      fault([], `a value of type ${type} is required`);
    } else if (given) {
      coerceInputValue(values[name], type, (path, _, error) => fault(path, error.message));
    }
  }
}

/** GraphQL's own rule for inline values, with errors that bear our code and the place. */
const inlineValues: ValidationRule = (context) => {
  const reporting: ValidationContext = Object.create(context, {
    reportError: {
      value: (error: GraphQLError) => {
        const [node] = error.nodes ?? [];
        const path = node && pathTo(node, context.getDocument());
        context.reportError(path ? inputError(path, error.message, node) : error);
      },
    },
  });
  return ValuesOfCorrectTypeRule(reporting);
};

function inputError(path: InputPath, message: string, node: ASTNode): GraphQLError {
  return new GraphQLError(`${showPath(path)}: ${shownMessage(message)}`, {
    nodes: node,
    extensions: { code: 'BAD_USER_INPUT', inputPath: path, ...httpExtension('BAD_USER_INPUT') },
  });
}

/** `["input", 3, "amount"]` is `input[3].amount`. */
function showPath(path: InputPath): string {
  return path.map((part, i) => (typeof part === 'number' ? `[${part}]` : i > 0 ? `.${part}` : part)).join('');
}

/** The place of an inline value: its argument or variable, then fields and indices down to it. */
function pathTo(wanted: ASTNode, document: DocumentNode): InputPath | null {
  let found: InputPath | null = null;
  const path: (string | number)[] = [];
  visit(document, {
    enter(node, key) {
      const step = stepInto(node, key);
      if (step !== undefined) path.push(step);
      if (node === wanted) {
        found = [...path];
        return BREAK;
      }
      return undefined;
    },
    leave(node, key) {
      if (stepInto(node, key) !== undefined) path.pop();
    },
  });
  return found;
}

function stepInto(node: ASTNode, key: string | number | undefined): string | number | undefined {
  if (node.kind === Kind.ARGUMENT || node.kind === Kind.OBJECT_FIELD) return node.name.value;
  if (node.kind === Kind.VARIABLE_DEFINITION) return node.variable.name.value;
  return typeof key === 'number' && isValueNode(node) ? key : undefined;
}
