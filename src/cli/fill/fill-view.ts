import { setTimeout as sleep } from 'node:timers/promises';
import type { View } from '../../define/index.ts';
import type { Engine, FillOutcome } from '../../engine/index.ts';
import { type Servers, scanKeys } from '../../valkey/index.ts';

/** What became of the entities of a view. */
export interface FillSummary {
  filled: number;
  wasFilled: number;
  /** Of which an event was labelled or retracted in the one version and not in the other, for as long as was waited. */
  forced: number;
  /** What was gone again when its turn came. */
  gone: number;
  failed: number;
}

export interface FillOptions {
  /** At most so many entities a second. */
  readonly rate: number;
  readonly onFault: (text: string) => void;
  /** Ends it between two calls, by throwing its reason. */
  readonly signal: AbortSignal;
}

/** A call works for about a millisecond, whatever it is given. */
const entitiesPerCall = 16;
/** After each call it rests for so many times as long as that took: others have most of Valkey's time, whatever else it has to do. */
const restsFor = 3;
/** Longer than any request can be under way: what is labelled in one version alone after that was told to it alone. */
const patienceMs = 10_000; // 10 seconds
const pauseMs = 500; // half a second

/**
 * Has a version of a view take over all that another one keeps: entity by entity, one call after the other, which take a quarter of
 * the time at most.
 */
export async function fillView(
  servers: Servers,
  engine: Engine,
  { from, to }: { readonly from: View; readonly to: View },
  { rate, onFault, signal }: FillOptions,
): Promise<FillSummary> {
  const summary: FillSummary = { filled: 0, wasFilled: 0, forced: 0, gone: 0, failed: 0 };
  const begun = performance.now();
  let looked = 0;
  let waiting: string[] = [];

  const note = (id: string, outcome: FillOutcome | Error, forced: boolean) => {
    if (outcome instanceof Error) {
      summary.failed += 1;
      onFault(outcome.message);
    } else if (outcome === 'UNDER_WAY') waiting.push(id);
    else if (outcome === 'NOTHING_THERE') summary.gone += 1;
    else if (outcome === 'WAS_FILLED') summary.wasFilled += 1;
    else summary[forced ? 'forced' : 'filled'] += 1;
  };
  const fill = async (ids: readonly string[], forced = false) => {
    signal.throwIfAborted();
    const called = performance.now();
    const outcomes = await engine.fill(from, to, ids, forced);
    const tookMs = performance.now() - called;
    for (const [i, outcome] of outcomes.entries()) note(ids[i] as string, outcome, forced);
    looked += ids.length;
    const aheadMs = (1_000 * looked) / rate - (performance.now() - begun);
    await sleep(Math.max(aheadMs, restsFor * tookMs), undefined, { signal });
  };

  let batch: string[] = [];
  for await (const id of storedIds(servers, engine, from)) {
    batch.push(id);
    if (batch.length < entitiesPerCall) continue;
    await fill(batch);
    batch = [];
  }
  if (batch.length > 0) await fill(batch);

  for (let waitedMs = 0; waiting.length > 0; waitedMs += pauseMs) {
    await sleep(pauseMs, undefined, { signal });
    const pending = waiting;
    waiting = [];
    for (let at = 0; at < pending.length; at += entitiesPerCall) {
      await fill(pending.slice(at, at + entitiesPerCall), waitedMs >= patienceMs);
    }
  }
  return summary;
}

/** Ids of all entities of which a view has a log; of one that comes or goes meanwhile, perhaps. */
async function* storedIds(servers: Servers, { keys }: Engine, view: View): AsyncGenerator<string> {
  const stem = keys.logStem(view);
  for await (const key of scanKeys(servers, `${stem.replace(/[\\*?[\]^-]/g, '\\$&')}{*}`)) {
    yield keys.decodeId(key.slice(stem.length + 1, -1));
  }
}
