import type { CodegenConfig } from '@graphql-codegen/cli';

/** Turns the client documents of schema/operations into typed documents, for our tests and as an example for clients. */
const config: CodegenConfig = {
  schema: 'schema/schema.graphql',
  documents: 'schema/operations/*.graphql',
  generates: {
    'schema/operations/generated.ts': {
      plugins: ['typescript-operations', 'typed-document-node'],
      config: {
        // The file runs under plain Node, which only strips types.
        useTypeImports: true,
        enumType: 'string-literal',
        scalars: { ID: 'string', DateTime: 'string' },
        skipTypename: true,
        documentNodeImport: 'graphql#TypedQueryDocumentNode',
      },
    },
  },
};

export default config;
