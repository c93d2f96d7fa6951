import type { GraphQLField } from 'graphql';
import type { Caller } from '../access/index.ts';
import type { View } from '../define/index.ts';
import type { Engine } from '../engine/index.ts';
import type { Activity } from './activity.ts';
import type { FeatureOutput } from './feature-output.ts';

/** What work at the root of an operation is done with. */
export interface RootContext {
  readonly caller: Caller;
  readonly engine: Engine;
  readonly activity: Activity;
}

/** What a resolver of the plugin's own does, as far as a compiled operation may do it without calling it. */
export type OwnWork =
  /** It needs only its parent and its arguments, and answers at once. */
  | { readonly kind: 'pure' }
  /** One number of a vector. */
  | { readonly kind: 'feature'; readonly position: number; readonly output: FeatureOutput }
  /** The vector of an entity as it is now, unless it is given arguments. */
  | { readonly kind: 'view'; readonly view: View }
  /** It begins an operation. Limits are for whoever calls this to hold. */
  | { readonly kind: 'root'; readonly begin: (args: never, context: RootContext) => unknown };

/** By the resolver itself: one that another plugin has wrapped does more, and is not found here. */
const works = new WeakMap<object, OwnWork>();

/** Marks a resolver as one that does just this. */
export function own<Resolve extends object>(work: OwnWork, resolve: Resolve): Resolve {
  works.set(resolve, work);
  return resolve;
}

/** Marks a resolver that needs only its parent and its arguments. */
export function pure<Resolve extends object>(resolve: Resolve): Resolve {
  return own({ kind: 'pure' }, resolve);
}

/** What a field's resolver does; null if that is not known. */
export function ownWorkOf({ resolve }: GraphQLField<unknown, unknown>): OwnWork | null {
  return resolve ? workOf(resolve) : null;
}

/** What a resolver does; null if that is not known. */
export function workOf(resolve: object): OwnWork | null {
  return works.get(resolve) ?? null;
}
