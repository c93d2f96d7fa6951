import {
  astFromValue,
  BreakingChangeType,
  findBreakingChanges,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLSchema,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isScalarType,
  print,
} from 'graphql';

/** Compared here more strictly than GraphQL does. */
const comparedHere: ReadonlySet<BreakingChangeType> = new Set([
  BreakingChangeType.FIELD_CHANGED_KIND,
  BreakingChangeType.ARG_CHANGED_KIND,
]);

/**
 * Where a schema departs from a contract, a line each; additions are no departure. GraphQL's own comparison allows what
 * old queries survive, such as a field that is no longer null; a contract fixes nullability, so here types are equal or
 * they differ.
 */
export function contractDifferences(contract: GraphQLSchema, schema: GraphQLSchema): string[] {
  const breaking = findBreakingChanges(contract, schema)
    .filter(({ type }) => !comparedHere.has(type))
    .map(({ description }) => description);
  return [...breaking, ...typeDifferences(contract, schema)];
}

function typeDifferences(contract: GraphQLSchema, schema: GraphQLSchema): string[] {
  return Object.values(contract.getTypeMap()).flatMap((agreed) => {
    const type = schema.getType(agreed.name);
    if (agreed.name.startsWith('__') || !type) return [];
    if (isScalarType(agreed) && isScalarType(type)) {
      return unequal(
        `${agreed.name} @specifiedBy`,
        agreed.specifiedByURL ?? 'nothing',
        type.specifiedByURL ?? 'nothing',
      );
    }
    if ((isObjectType(agreed) && isObjectType(type)) || (isInterfaceType(agreed) && isInterfaceType(type))) {
      return fieldDifferences(agreed.name, agreed.getFields(), type.getFields());
    }
    if (isInputObjectType(agreed) && isInputObjectType(type)) {
      return inputDifferences(agreed.name, Object.values(agreed.getFields()), Object.values(type.getFields()));
    }
    return [];
  });
}

type Fields = { readonly [name: string]: GraphQLField<unknown, unknown> };

function fieldDifferences(typeName: string, agreed: Fields, actual: Fields): string[] {
  return Object.values(agreed).flatMap((field) => {
    const found = actual[field.name];
    if (!found) return [];
    const at = `${typeName}.${field.name}`;
    return [...unequal(at, String(field.type), String(found.type)), ...inputDifferences(at, field.args, found.args)];
  });
}

type Input = GraphQLArgument | GraphQLInputField;

function inputDifferences(at: string, agreed: readonly Input[], actual: readonly Input[]): string[] {
  return agreed.flatMap((input) => {
    const found = actual.find(({ name }) => name === input.name);
    return found ? unequal(`${at}(${input.name}:)`, inputText(input), inputText(found)) : [];
  });
}

function inputText({ type, defaultValue }: Input): string {
  const value = astFromValue(defaultValue, type);
  return value ? `${type} = ${print(value)}` : String(type);
}

function unequal(at: string, agreed: string, actual: string): string[] {
  return agreed === actual ? [] : [`${at} is ${actual}, and by the contract ${agreed}`];
}
