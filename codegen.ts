import type { CodegenConfig } from '@graphql-codegen/cli';

// The files run under plain Node, which only strips types.
const plain = {
  useTypeImports: true,
  scalars: { ID: { input: 'string', output: 'string' }, DateTime: { input: 'string', output: 'string' } },
  skipTypename: true,
};

/**
 * Types for clients in TypeScript, and for our tests: everything that the schema serves, and the client documents of
 * schema/operations as typed documents.
 */
const config: CodegenConfig = {
  schema: 'schema/schema.graphql',
  documents: 'schema/operations/*.graphql',
  generates: {
    'schema/operations/schema-types.ts': {
      documents: [],
      plugins: ['typescript'],
      config: { ...plain, enumsAsTypes: true, defaultScalarType: 'unknown' },
    },
    'schema/operations/generated.ts': {
      plugins: ['typescript-operations', 'typed-document-node'],
      config: { ...plain, enumType: 'string-literal', documentNodeImport: 'graphql#TypedQueryDocumentNode' },
    },
  },
};

export default config;
