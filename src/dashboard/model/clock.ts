import { computed, signal } from '@preact/signals';

/** The browser's time, once a second while the page is seen. */
const tick = signal(Date.now());

let ahead = Number.NEGATIVE_INFINITY;

/**
 * Notes a moment of the store's clock that has just been heard of. Moments that come are in the past by as much as they were
 * under way: the latest tells best how far the store's clock is ahead of ours.
 */
export function hearStoreTime(storeMs: number): void {
  ahead = Math.max(ahead, storeMs - Date.now());
}

/** The store's now as far as it is known here, in milliseconds: what is shown is as of its clock, not the browser's. */
export function storeNow(): number {
  return Date.now() + (Number.isFinite(ahead) ? ahead : 0);
}

/** As `storeNow`, once a second, for what counts seconds. */
export const second = computed(() => tick.value + (Number.isFinite(ahead) ? ahead : 0));

setInterval(() => {
  if (!document.hidden) tick.value = Date.now();
}, 1_000);
document.addEventListener('visibilitychange', () => {
  tick.value = Date.now();
});
