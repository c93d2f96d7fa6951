import { computed, signal } from '@preact/signals';

/** The browser's time, once a second while the page is seen. */
const tick = signal(Date.now());

/** How far the clocks of the store and of the API are ahead of the browser's, as far as is known, in milliseconds. */
const ahead = { store: Number.NEGATIVE_INFINITY, api: Number.NEGATIVE_INFINITY };

/**
 * Notes a moment of the store's or the API's clock that has just been heard of. It is in the past by as long as it was under
 * way: that which is furthest ahead tells best.
 */
export function hear(clock: keyof typeof ahead, ms: number): void {
  if (Number.isFinite(ms)) ahead[clock] = Math.max(ahead[clock], ms - Date.now());
}

/**
 * The store's now as far as it is known here, in milliseconds: what is shown is as of its clock, and the browser's may be
 * wrong by hours. Until something has been heard of it, the API's stands for it.
 */
export function storeNow(): number {
  return Date.now() + offset();
}

/** As `storeNow`, once a second, for what counts seconds. */
export const second = computed(() => tick.value + offset());

function offset(): number {
  return [ahead.store, ahead.api].find(Number.isFinite) ?? 0;
}

setInterval(() => {
  if (!document.hidden) tick.value = Date.now();
}, 1_000);
document.addEventListener('visibilitychange', () => {
  tick.value = Date.now();
});
