import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until `look` finds something that is neither null, undefined nor false; fails after `patienceMs`. */
export async function until<T>(
  look: () => T | Promise<T>,
  patienceMs = 10_000,
): Promise<Exclude<T, null | undefined | false>> {
  const begun = performance.now();
  for (;;) {
    const found = await look();
    if (found !== null && found !== undefined && found !== false) return found as Exclude<T, null | undefined | false>;
    if (performance.now() - begun > patienceMs) throw new Error(`not within ${patienceMs} ms: ${look}`);
    await sleep(5);
  }
}
