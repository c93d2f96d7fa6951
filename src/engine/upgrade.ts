import { type Layout, layoutHash, layoutOf, markBytes, seenPlace, singleFormat, tileFormat } from './layout.ts';
import type { Plan, SeenSet } from './plan.ts';

/**
 * Says how a log of an older layout becomes one of this plan, as the function `upgrade` reads it: what the old one looks
 * like, and for each thing the new layout keeps, where the old one has it (from 1; 0: nowhere).
 */
export function writeUpgrade(plan: Plan, oldHash: string, old: Layout): Buffer {
  return Buffer.concat([Buffer.from([plan.index]), Buffer.from(JSON.stringify(upgradeTo(plan, oldHash, old)))]);
}

/** Says how a log of one version of a view becomes one of another, as the function `fill` reads it. */
export function writeFilling(from: Plan, to: Plan, forced: boolean): Buffer {
  const layout = layoutOf(from);
  const { from: places, ...old } = upgradeTo(to, layoutHash(layout), layout);
  // A table of last-seen times is taken over with all that the header tells of it, where its windows are the same.
  const seen = to.seen.map(({ name, windows }, i) => {
    const lengths = (set: Pick<SeenSet, 'windows'> | undefined) => set?.windows.map(({ lengthMs }) => lengthMs).join();
    const same = lengths(from.seen.find((set) => set.name === name)) === lengths({ windows });
    return same ? { ...places.seen[i], same } : places.seen[i];
  });
  const argument = { ...old, from: { ...places, seen } };
  return Buffer.concat([Buffer.from([from.index, to.index, forced ? 1 : 0]), Buffer.from(JSON.stringify(argument))]);
}

function upgradeTo(plan: Plan, oldHash: string, old: Layout) {
  const layout = layoutOf(plan);
  const places = (kind: 'columns' | 'flags' | 'distinctFields' | 'lifetimes') =>
    layout[kind].map((name) => old[kind].indexOf(name) + 1);
  // Sets of last-seen times follow the running figures, each with its windows.
  const seen = layout.seen.map(({ name }) => {
    const place = old.seen.findIndex((set) => set.name === name);
    return place < 0
      ? { at: 0, place: 0, windows: 0 }
      : { at: seenPlace(old, place), place: place + 1, windows: (old.seen[place] as Layout['seen'][number]).windows };
  });
  const single = singleFormat(old);
  const tile = tileFormat(old.lanes);
  return {
    layout: oldHash,
    vector: vectorOf(old).length,
    columns: old.columns.length,
    doubles: old.headDoubles,
    header_format: `<${'d'.repeat(old.headDoubles)}`,
    single_format: `<${single.format}`,
    single_bytes: single.bytes,
    mark_bytes: markBytes(old),
    tile_format: `<${tile.format}`,
    tile_bytes: tile.bytes,
    lanes: layout.lanes.map(({ name }) => tile.lanes[old.lanes.findIndex((lane) => lane.name === name)] ?? {}),
    from: {
      vector: vectorOf(layout).map((name) => vectorOf(old).indexOf(name) + 1),
      columns: places('columns'),
      flags: places('flags'),
      distinctFields: places('distinctFields'),
      lifetimes: places('lifetimes'),
      seen,
    },
  };
}

/** Features of a layout that a plan does not know: a newer definition has them, or had. */
export function featuresBeyond(plan: Plan, { features }: Layout): string[] {
  const known = new Set(plan.view.features.map(({ name }) => name));
  return features.filter((name) => !known.has(name));
}

/** What each double of a vector is: a feature, or, past these, one of the values that a feature lists. */
function vectorOf({ features, lists = [] }: Layout): string[] {
  const listed = features.flatMap((name, i) => Array.from({ length: lists[i] ?? 0 }, (_, place) => `${name} ${place}`));
  return [...features, ...listed];
}
