import { computed, signal } from '@preact/signals';

/** The browser's steady clock, once a second while the page is seen: its clock on the wall may be put forward or back. */
const tick = signal(performance.now());

const rememberedMinutes = 5;

/** How far ahead of our steady clock another one is, as it was heard of in the last minutes: no two run alike for ever. */
class OtherClock {
  #heard: { readonly minute: number; ahead: number }[] = [];

  /** Notes a moment of it that has just been heard of. It is past by as long as it was under way: the furthest ahead tells best. */
  hear(ms: number): void {
    const now = performance.now();
    const minute = Math.floor(now / 60_000);
    const last = this.#heard.at(-1);
    if (last?.minute === minute) last.ahead = Math.max(last.ahead, ms - now);
    else this.#heard = [...this.#heard, { minute, ahead: ms - now }].slice(-rememberedMinutes);
  }

  /** Null while nothing was heard of it. */
  get ahead(): number | null {
    return this.#heard.length === 0 ? null : Math.max(...this.#heard.map(({ ahead }) => ahead));
  }
}

const clocks = { store: new OtherClock(), api: new OtherClock() };

/** Notes a moment of the store's or the API's clock, in milliseconds since 1970, that has just been heard of. */
export function hear(clock: keyof typeof clocks, ms: number): void {
  if (Number.isFinite(ms)) clocks[clock].hear(ms);
}

/**
 * The store's now as far as it is known here, in milliseconds: what is shown is as of its clock, and the browser's may be
 * wrong by hours. Until something has been heard of it, the API's stands for it, and then our own.
 */
export function storeNow(): number {
  return performance.now() + ahead();
}

/** As `storeNow`, once a second, for what counts seconds. */
export const second = computed(() => tick.value + ahead());

function ahead(): number {
  return clocks.store.ahead ?? clocks.api.ahead ?? Date.now() - performance.now();
}

setInterval(() => {
  if (!document.hidden) tick.value = performance.now();
}, 1_000);
document.addEventListener('visibilitychange', () => {
  tick.value = performance.now();
});
