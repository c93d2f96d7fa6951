import { durationBounds, Histogram } from '../measure/index.ts';
import type { EntityUpdate } from './watch-stream.ts';

/** Messages of watched views that were sent by one protocol. */
export class PushSeries {
  messages = 0;
  /** Of each that tells of an event: seconds from the revision of the oldest, by the store's clock, until it was sent. */
  readonly delays = new Histogram(durationBounds);

  /**
   * A message was sent.
   * @param since when the oldest event that it tells of was recorded, in milliseconds of the store's clock; 0: it tells of none.
   * @param now by the same clock; null: that is not known.
   */
  count(since: number, now: number | null): void {
    this.messages += 1;
    if (since > 0 && now !== null) this.delays.observe(Math.max(0, now - since) / 1_000);
  }
}

/** Messages of watched views, by protocol. */
export class PushCounts {
  readonly sse = new PushSeries();
  readonly websocket = new PushSeries();
}

/** When the oldest event that these tell of was recorded, in milliseconds of the store's clock; 0: they tell of none. */
export function oldestEvent(updates: readonly EntityUpdate[]): number {
  let oldest = 0;
  for (const { cause, vector } of updates) {
    if (cause !== 'EVENT' || !vector) continue;
    const at = vector.revision / 1_000;
    if (oldest === 0 || at < oldest) oldest = at;
  }
  return oldest;
}
