import {
  type FieldNode,
  type GraphQLField,
  getArgumentValues,
  isNonNullType,
  Kind,
  type ValueNode,
  visit,
} from 'graphql';
import type { Variables } from './variables.ts';

/** Gives the arguments of a field, of coerced variables. @throws GraphQLError */
export type FieldArguments = (variables: Variables) => object;

/** GraphQL's own arguments of a field; those that are all written out, or each just a variable, without looking at the query again. */
export function fieldArguments(field: GraphQLField<unknown, unknown>, node: FieldNode): FieldArguments {
  const given = node.arguments ?? [];
  if (given.every(({ value }) => !hasVariables(value))) {
    const constant = getArgumentValues(field, node);
    return () => constant;
  }
  const byName = given.map(({ name, value }) => [name.value, value] as const);
  const isAllGiven = field.args.length === given.length && byName.every(([, value]) => value.kind === Kind.VARIABLE);
  if (!isAllGiven) return (variables) => getArgumentValues(field, node, variables);
  const names = byName.map(([name, value]) => {
    const required = isNonNullType(field.args.find((one) => one.name === name)?.type);
    return { name, variable: value.kind === Kind.VARIABLE ? value.name.value : '', required };
  });
  return (variables) => {
    const values: { [name: string]: unknown } = {};
    for (const { name, variable, required } of names) {
      // Left out, a default may stand for it; null may be refused.
      if (!Object.hasOwn(variables, variable) || (required && variables[variable] === null)) {
        return getArgumentValues(field, node, variables);
      }
      values[name] = variables[variable];
    }
    return values;
  };
}

function hasVariables(value: ValueNode): boolean {
  let found = false;
  visit(value, {
    Variable: () => {
      found = true;
    },
  });
  return found;
}
