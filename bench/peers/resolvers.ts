import DataLoader from 'dataloader';
import type { FieldNode, GraphQLResolveInfo } from 'graphql';
import { PlainPatterns } from '../contenders/plain-patterns.ts';
import { type Subject, subjects } from '../subject.ts';
import { allFeatures, FeatureSet, type Profile } from './features.ts';
import { connectValkey, settings } from './peer.ts';
import { Profiles } from './profiles.ts';

const valkey = connectValkey();
const profiles = new Profiles(valkey, settings.keyPrefix);
const patterns = new PlainPatterns(valkey, settings.keyPrefix, subjects.find(({ name }) => name === 'user') as Subject);

/** What lives as long as a request. */
export interface RequestContext {
  /** Batched, by a loader for each set of features that the request asks for. */
  readonly profile: (id: string, features: FeatureSet) => Promise<Profile>;
}

/** A plain object: some servers hand on a copy of it. */
export function requestContext(): RequestContext {
  const loaders = new Map<FeatureSet, DataLoader<string, Profile>>();
  return {
    profile(id, features) {
      let loader = loaders.get(features);
      if (!loader) {
        loader = new DataLoader((ids: readonly string[]) => profiles.read(ids, features));
        loaders.set(features, loader);
      }
      return loader.load(id);
    },
  };
}

interface User {
  readonly id: string;
}

interface TransactionInput {
  readonly transactionId: string;
  readonly userId: string;
  readonly merchantId: string;
  readonly amount: number;
  readonly occurredAt?: string | null;
  readonly fraud?: boolean | null;
}

/** Hand-written for speed: of a hash only what was asked for is read, and a record is the plain patterns' two round trips. */
export const resolvers = {
  Query: {
    user: (_: unknown, { id }: User): User => ({ id }),
    users: (_: unknown, { ids }: { readonly ids: readonly string[] }): User[] => ids.map((id) => ({ id })),
  },
  User: {
    riskProfile: ({ id }: User, _: unknown, context: RequestContext, info: GraphQLResolveInfo) =>
      context.profile(id, selected(info)),
  },
  Mutation: {
    async recordTransaction(_: unknown, { input }: { readonly input: TransactionInput }) {
      const occurredAt = input.occurredAt ? Date.parse(input.occurredAt) : Date.now();
      await patterns.record([{ ...input, occurredAt, fraud: input.fraud ?? false }]);
      return { transactionId: input.transactionId, status: 'RECORDED' };
    },
  },
};

const selections = new WeakMap<FieldNode, FeatureSet>();

/** The features that a field's selection names, worked out once a document; with fragments, all. */
function selected({ fieldNodes }: GraphQLResolveInfo): FeatureSet {
  const [node] = fieldNodes;
  if (!node || fieldNodes.length > 1) return allFeatures;
  const known = selections.get(node);
  if (known) return known;
  const names = (node.selectionSet?.selections ?? []).map((one) => (one.kind === 'Field' ? one.name.value : null));
  const features = names.some((name) => name === null || name.startsWith('__'))
    ? allFeatures
    : new FeatureSet([...new Set(names as string[])]);
  selections.set(node, features);
  return features;
}
