import { type HeaderPlaces, layoutOf, markBytes } from '../layout.ts';
import type { Plan } from '../plan.ts';

/** Places in the header that every view has, as lua/header.lua names them. */
export const served = { revision: 1, asOf: 2, validUntil: 3, lastEventAt: 4, eventSeq: 5, expiresAt: 7 } as const;

/** Places of the book, counted from `header.book`, as lua/header.lua has them. */
export function bookOf({ book }: HeaderPlaces) {
  return {
    singles: `s[${book}]`,
    slots: `s[${book + 1}]`,
    tiles: `s[${book + 2}]`,
    frontier: `s[${book + 4}]`,
    passed: `s[${book + 8}]`,
    idsBuckets: `s[${book + 9}]`,
    rememberedSince: `s[${book + 10}]`,
  };
}

/** Bytes of a single's marks. */
export const markBytesOf = (plan: Plan) => markBytes(layoutOf(plan));

/** Places of a set of last-seen times that is counted from `at`, as lua/header.lua has them. */
export function tableOf(at: number) {
  return { fedAt: `s[${at}]`, expiresAt: `s[${at + 1}]`, buckets: `s[${at + 2}]` };
}

/** Of each window of a set: where its figures in the table stand. */
export function tableWindowsOf({ seen }: Plan, header: HeaderPlaces, set: number) {
  return (seen[set]?.windows ?? []).map(({ lengthMs }, w) => {
    const at = header.seen[set]?.windows[w] as number;
    return {
      lengthMs,
      inside: `s[${at}]`,
      sample: `s[${at + 1}]`,
      leavesAt: `s[${at + 2}]`,
      cursor: `s[${at + 3}]`,
      length: `s[${at + 4}]`,
      newestStratum: `s[${at + 6}]`,
    };
  });
}

/** Of each window of a set: where its edge stands, and how many values singles show to it. */
export function windowsOf({ seen, edges }: Plan, header: HeaderPlaces, set: number) {
  return (seen[set]?.windows ?? []).map(({ lengthMs }, w) => {
    const edge = edges.findIndex(({ ageMs }) => ageMs === lengthMs);
    return { edge: header.edges[edge] as number, held: `s[${header.held[set]?.[w]}]`, lengthMs };
  });
}
