import type { Vector } from '../engine/index.ts';
import { durationBounds, Histogram } from '../measure/index.ts';
import type { EntityUpdate } from './watch-stream.ts';

/** Messages of watched views that were sent by one protocol. */
export class PushSeries {
  messages = 0;
  /** Of each that tells of an event: seconds from the revision of the oldest, by the store's clock, until it was sent. */
  readonly delays = new Histogram(durationBounds);

  /**
   * Messages were sent together.
   * @param telling how many of them tell of an event; all are taken to tell of the oldest.
   * @param oldest as it was recorded; null: none tells of one.
   * @param now in milliseconds of the store's clock; null: that is not known.
   */
  count(messages: number, telling: number, oldest: Vector | null, now: number | null): void {
    this.messages += messages;
    if (oldest === null || now === null) return;
    this.delays.observe(Math.max(0, now - oldest.revision / 1_000) / 1_000, telling);
  }
}

/** Messages of watched views, by protocol. */
export class PushCounts {
  readonly sse = new PushSeries();
  readonly websocket = new PushSeries();
}

/** The vector of the oldest event that these tell of; null: they tell of none. */
export function oldestEvent(updates: readonly EntityUpdate[]): Vector | null {
  let oldest: Vector | null = null;
  for (let i = 0; i < updates.length; i++) {
    const { cause, vector } = updates[i] as EntityUpdate;
    if (cause === 'EVENT' && vector !== null) oldest = older(oldest, vector);
  }
  return oldest;
}

/** Mostly both are the same one. */
export function older(one: Vector | null, other: Vector | null): Vector | null {
  if (one === other || other === null) return one;
  return one === null || other.revision < one.revision ? other : one;
}
