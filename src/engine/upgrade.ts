import type { Layout, Plan } from './plan.ts';

const flagPlaces = 31;

/**
 * Says how a log of an older layout becomes one of this plan, as the function `upgrade` reads it: for each thing the new
 * layout keeps, where the old one has it (from 1; 0: nowhere).
 * @returns null when the old layout holds a feature that this plan does not know: it is not older but newer.
 */
export function writeUpgrade(plan: Plan, viewIndex: number, oldHash: string, old: Layout): Buffer | null {
  if (old.features.some((name) => !plan.layout.features.includes(name))) return null;
  const places = (now: readonly string[], before: readonly string[]) => now.map((name) => before.indexOf(name) + 1);
  const flags = places(plan.layout.flags, old.flags);
  return Buffer.concat([
    Buffer.from([viewIndex]),
    Buffer.from(oldHash, 'latin1'),
    Buffer.from([old.features.length, old.columns.length]),
    Buffer.from(places(plan.layout.columns, old.columns)),
    Buffer.from([...flags, ...new Array<number>(flagPlaces - flags.length).fill(0)]),
    Buffer.from(places(plan.layout.lifetimes, old.lifetimes)),
    Buffer.from([old.lifetimes.length]),
  ]);
}
