import type { Vector } from '../engine/index.ts';
import { durationBounds, Histogram } from '../measure/index.ts';
import type { UpdateCause } from './update.ts';

/** What a hub has done since its start. */
export class LiveCounts {
  /** Updates for watchers, each counted for each of them. */
  readonly updates: { [C in UpdateCause]: number } = { SNAPSHOT: 0, RESYNC: 0, EVENT: 0, DECAY: 0 };
  /** Those of them that were not sent, since a newer one of their entity came before their watcher took them. */
  merged = 0;
  /** Watched entities that were read again because changes may have gone unheard, by why that was thought. */
  readonly resyncs = {
    /** The connection on which changes are heard was lost, and is back. */
    reconnected: 0,
    /** Something was found of which nothing had been heard. */
    unheard: 0,
  };
  /** Reads of what is watched that failed and are tried again. */
  readFailures = 0;
  /** How many seconds after a vector ceased to hold the one after it was handed to watchers, where nothing happened but time. */
  readonly decayLag = new Histogram(durationBounds);

  /**
   * A vector was handed to watchers after another one of the same entity.
   * @param now in milliseconds of the store's clock; null: that is not known.
   */
  noteDecay(before: Vector, after: Vector, now: number | null): void {
    const isDecay = after.eventSeq > 0 && after.eventSeq === before.eventSeq && after.revision > before.revision;
    if (!isDecay || before.validUntil === null || now === null) return;
    this.decayLag.observe(Math.max(0, now - before.validUntil) / 1_000);
  }
}
