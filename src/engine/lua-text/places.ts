import { type HeaderPlaces, inBook, inSet, inWindow, layoutOf, markBytes } from '../layout.ts';
import type { Plan } from '../plan.ts';

/** Places in the header that every view has, as lua/header.lua names them. */
export const served = { revision: 1, asOf: 2, validUntil: 3, lastEventAt: 4, eventSeq: 5, expiresAt: 7 } as const;

/** Places of the book, counted from `header.book`, as lua/header.lua has them. */
export function bookOf({ book }: HeaderPlaces) {
  return textsOf(inBook, book);
}

/** Bytes of a single's marks. */
export const markBytesOf = (plan: Plan) => markBytes(layoutOf(plan));

/** Places of a set of last-seen times that is counted from `at`, as lua/header.lua has them. */
export function tableOf(at: number) {
  return textsOf(inSet, at);
}

/** Of each window of a set: how long it is, and where its figures in the table stand. */
export function tableWindowsOf({ seen }: Plan, header: HeaderPlaces, set: number) {
  return (seen[set]?.windows ?? []).map(({ lengthMs }, w) => {
    return { lengthMs, ...textsOf(inWindow, header.seen[set]?.windows[w] as number) };
  });
}

/** Places that are counted from `at`, as the text has them. */
function textsOf<Name extends string>(places: { readonly [N in Name]: number }, at: number) {
  const texts = Object.entries<number>(places).map(([name, place]) => [name, `s[${at + place}]`]);
  return Object.fromEntries(texts) as { readonly [N in Name]: string };
}

/** Of each window of a set: where its edge stands, and how many values singles show to it. */
export function windowsOf({ seen, edges }: Plan, header: HeaderPlaces, set: number) {
  return (seen[set]?.windows ?? []).map(({ lengthMs }, w) => {
    const edge = edges.findIndex(({ ageMs }) => ageMs === lengthMs);
    return { edge: header.edges[edge] as number, held: `s[${header.held[set]?.[w]}]`, lengthMs };
  });
}
