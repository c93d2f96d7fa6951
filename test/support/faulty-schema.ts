import { GraphQLObjectType, GraphQLScalarType, GraphQLSchema } from 'graphql';

/** What a team's own scalar may do wrong: its values are none that JSON knows. */
const Secret = new GraphQLScalarType({ name: 'Secret', serialize: () => 1n });

/** `{ secret fine }`: an answer with `secret` cannot be put into words. */
export const faultySchema = new GraphQLSchema({
  query: new GraphQLObjectType({
    name: 'Query',
    fields: {
      secret: { type: Secret, resolve: () => 1 },
      fine: { type: Secret, resolve: () => null },
    },
  }),
});
