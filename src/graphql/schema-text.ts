import { GraphQLSchema, printSchema } from 'graphql';

/**
 * The SDL of a schema, from the queries down: each type stands where it is first referred to, and fields as they are
 * defined.
 */
export function printSchemaText(schema: GraphQLSchema): string {
  const config = schema.toConfig();
  // From the roots alone, GraphQL collects types depth-first; an object that only implements an interface is not found.
  const reachable = Object.values(new GraphQLSchema({ ...config, types: [] }).getTypeMap());
  const printed = printSchema(new GraphQLSchema({ ...config, types: [...new Set([...reachable, ...config.types])] }));
  // Short descriptions stand on lines of their own too, as the formatter has it.
  return `${printed.replace(/^( *)"""(.+)"""$/gm, '$1"""\n$1$2\n$1"""')}\n`;
}
