import { features } from './features.ts';

const typeOf = (name: string, kind: string) => {
  if (kind === 'time') return 'DateTime';
  if (kind === 'number') return 'Float';
  return name.startsWith('txnAmount') ? 'Float!' : 'Int!';
};

/** The part of our schema that is measured. */
export const typeDefs = `
  scalar DateTime
  type Query {
    user(id: ID!): User!
    users(ids: [ID!]!): [User!]!
  }
  type User {
    id: ID!
    riskProfile: UserRiskProfile
  }
  type UserRiskProfile {
    ${features.map(([name, , kind]) => `${name}: ${typeOf(name, kind)}`).join('\n    ')}
  }
  type Mutation {
    recordTransaction(input: TransactionInput!): RecordTransactionPayload!
  }
  input TransactionInput {
    transactionId: ID!
    userId: ID!
    merchantId: ID!
    amount: Float!
    occurredAt: DateTime
    fraud: Boolean
  }
  enum RecordStatus { RECORDED }
  type RecordTransactionPayload {
    transactionId: ID!
    status: RecordStatus!
  }
`;
