import { type Layout, mostFlags, type Plan } from './plan.ts';

/**
 * Says how a log of an older layout becomes one of this plan, as the function `upgrade` reads it: for each thing the new
 * layout keeps, where the old one has it (from 1; 0: nowhere).
 * @returns null when the old layout holds a feature that this plan does not know: it is not older but newer.
 */
export function writeUpgrade(plan: Plan, oldHash: string, old: Layout): Buffer | null {
  if (old.features.some((name) => !plan.layout.features.includes(name))) return null;
  const places = (kind: keyof Layout) => plan.layout[kind].map((name) => old[kind].indexOf(name) + 1);
  const flags = places('flags');
  return Buffer.concat([
    Buffer.from([plan.index]),
    Buffer.from(oldHash, 'latin1'),
    Buffer.from([old.features.length, old.columns.length, old.lifetimes.length, old.seen.length]),
    Buffer.from([...places('features'), ...places('columns')]),
    Buffer.from([...flags, ...new Array<number>(mostFlags - flags.length).fill(0)]),
    Buffer.from([...places('lifetimes'), ...places('seen')]),
  ]);
}
