import type { Caller } from '../access/index.ts';
import type { Engine } from '../engine/index.ts';
import type { Hub } from '../live/index.ts';
import type { Activity } from './activity.ts';
import type { Ahead, RecordedAhead } from './compiled/compile-operation.ts';
import { VectorLoaders } from './loaders.ts';
import { ReadBudget } from './read-budget.ts';

/**
 * What resolvers work with. One request has one context; so has one subscription for as long as it lasts, which is why
 * its loaders are cleared, and its budget renewed, before each message. A team's own context extends it.
 */
export interface FreshetContext {
  /** Who asks. */
  readonly caller: Caller;
  readonly engine: Engine;
  readonly hub: Hub;
  /** What the process does, for whoever watches that. */
  readonly activity: Activity;
  readonly loaders: VectorLoaders;
  readonly budget: ReadBudget;
  /** What was done before this execution, by the names under which root fields are answered (see compiled/); null: nothing. */
  readonly doneAhead: ReadonlyMap<string, RecordedAhead> | null;
  /** Names the request in logs, and in the errors that hide what happened. */
  readonly requestId: string;
}

/** Makes the context of one request or subscription. */
export function createContext(
  parts: Pick<FreshetContext, 'caller' | 'engine' | 'hub' | 'activity' | 'requestId'> & {
    readonly ahead?: Ahead | null;
  },
): FreshetContext {
  const { caller, engine, hub, activity, requestId, ahead = null } = parts;
  const loaders = new VectorLoaders(engine, activity);
  if (ahead) loaders.prime(ahead.read);
  const budget = new ReadBudget();
  return { caller, engine, hub, activity, requestId, loaders, budget, doneAhead: ahead?.recorded ?? null };
}
