import { randomUUID } from 'node:crypto';
import { inject } from 'vitest';
import { type AnsweredError, type ApiClient, newKeyPrefix } from '../support/api.ts';
import type { Edit } from '../support/edition.ts';

/** One more feature under the same version. */
export const oneMoreFeature: Edit = [
  'schema/user.ts',
  'txnCount1m:',
  "bigTxnCount24h: count({ window: '24h', where: { amount: { gte: 1000 } } }),\n    txnCount1m:",
];

/** A second version of the user's view: another meaning of the same name, of what the first keeps. */
export const secondVersion: Edit = [
  'schema/user.ts',
  'builder.entityType(user,',
  `export const nextProfile = view('user_risk_profile', {
  version: 2,
  entity: user,
  from: transaction,
  by: 'userId',
  description: 'How a user spends.',
  features: {
    txnCount1h: count({ window: '2h' }),
    txnAmount24h: sum('amount', { window: '24h' }),
    avgTxnAmount: avg('amount', { window: lifetime({ idle: '24h' }) }),
    avgTxnAmount30d: avg('amount', { window: '30d' }),
    stddevTxnAmount7d: stddev('amount', { window: '7d' }),
    maxTxnAmount24h: max('amount', { window: '24h' }),
    uniqueMerchants24h: distinct('merchantId', { window: '24h' }),
    lastTxnAmount: last('amount', { window: '30d' }),
  },
});

builder.entityType(user,`,
];

const importSecond: Edit = ['schema/index.ts', 'import { riskProfile }', 'import { nextProfile, riskProfile }'];

/** The second version is fed beside the first, which clients are served. */
export const secondIsFed: readonly Edit[] = [
  secondVersion,
  importSecond,
  ['schema/index.ts', '= [riskProfile, activity];', '= [riskProfile, activity, nextProfile];'],
  ['schema/index.ts', 'toSchema({ views,', 'toSchema({ views: [riskProfile, activity],'],
];

/** Documents of clients of the first version, which whoever switches writes anew. */
const noTrustedDocuments: Edit = [
  'schema/index.ts',
  "import clientDocuments from './operations/trusted-documents.json' with { type: 'json' };",
  'const clientDocuments = {};',
];

/** Clients are served the second version, and the first is fed for a way back. */
export const secondIsServed: readonly Edit[] = [
  ...secondIsFed.slice(0, -1),
  noTrustedDocuments,
  ['schema/index.ts', 'toSchema({ views,', 'toSchema({ views: [nextProfile, activity],'],
  ...(['riskProfile: t.featureView(', 't.featureViewSeries(', 't.featureUpdates('] as const).map(
    (field): Edit => ['schema/user.ts', `${field}riskProfile)`, `${field}nextProfile)`],
  ),
];

/** Only the second version is known. */
export const secondAlone: readonly Edit[] = [
  ...secondIsServed.slice(0, 2),
  ['schema/index.ts', 'import { nextProfile, riskProfile }', 'import { nextProfile }'],
  ['schema/index.ts', '= [riskProfile, activity];', '= [nextProfile, activity];'],
  ...secondIsServed.slice(3, 4),
  ...secondIsServed.slice(5),
];

/** Settings of processes that share the run's Valkey and a prefix. */
export function shared(prefix = newKeyPrefix()): { readonly [name: string]: string } {
  return { VALKEY_URL: inject('valkeyUrl'), FRESHET_KEY_PREFIX: prefix };
}

export interface Recorded {
  readonly status: string;
  readonly reason: string | null;
}

/** Records a payment of a user; @returns its status, and why. */
export async function pay(
  api: ApiClient,
  userId: string,
  amount = 10,
  transactionId: string = randomUUID(),
): Promise<Recorded | undefined> {
  const { data } = await api.ask<{ readonly recordTransaction: Recorded }>(
    'mutation ($input: TransactionInput!) { recordTransaction(input: $input) { status reason } }',
    { input: { transactionId, userId, merchantId: 'm', amount } },
  );
  return data?.recordTransaction;
}

export interface Profile {
  readonly id: string;
  readonly freshness: { readonly completeSince: string };
  readonly [feature: string]: unknown;
}

/** A user's features by their names in GraphQL; null where it cannot be served, beside the errors that say why. */
export async function profile(
  api: ApiClient,
  userId: string,
  features: string,
): Promise<{ readonly profile: Profile | null | undefined; readonly errors: readonly AnsweredError[] | undefined }> {
  const { data, errors } = await api.ask<{ readonly user: { readonly riskProfile: Profile | null } }>(
    `query ($id: ID!) { user(id: $id) { riskProfile { id ${features} freshness { completeSince } } } }`,
    { id: userId },
  );
  return { profile: data?.user.riskProfile, errors };
}
