import type { PastPart, RecordedPart, RecordPart } from './parts.ts';

/** So many rows of one entity are recorded before others may have their turn. */
export const rowsAtOnce = 16;
/** So many moments of one entity are folded before others may have theirs. */
const momentsAtOnce = 4;

/**
 * Does parts in pieces, none of which keeps others waiting for long: a part may be much, and what a function does to one
 * entity it does in one go.
 * @param cut a part in pieces, in the order in which they are to be done.
 * @param work does the pieces of all parts; an Error in the place of each that failed.
 * @param join what the pieces of one part came to as what the part came to.
 * @returns what each part came to; of one with a piece that failed, the first such Error.
 */
export function inPieces<Part, Value>(
  parts: readonly Part[],
  cut: (part: Part) => readonly Part[],
  work: (pieces: readonly Part[]) => Promise<readonly (Value | Error)[]>,
  join: (values: readonly Value[]) => Value,
): Promise<readonly (Value | Error)[]> {
  const cuts = parts.map(cut);
  if (cuts.every(({ length }) => length === 1)) return work(parts);
  return work(cuts.flat()).then((results) => joined(cuts, results, join));
}

function joined<Part, Value>(
  cuts: readonly (readonly Part[])[],
  results: readonly (Value | Error)[],
  join: (values: readonly Value[]) => Value,
): (Value | Error)[] {
  let end = 0;
  return cuts.map(({ length }) => {
    end += length;
    const own = results.slice(end - length, end);
    return own.find((one) => one instanceof Error) ?? join(own as Value[]);
  });
}

/** Rows in the order sent, so many at a time. */
export function cutRows(part: RecordPart): RecordPart[] {
  const { plan, id, rows, rowCount } = part;
  if (rowCount <= rowsAtOnce) return [part];
  const rowBytes = rows.length / rowCount;
  return stretches(rowCount, rowsAtOnce).map(([from, to]) => {
    return { plan, id, rows: rows.subarray(from * rowBytes, to * rowBytes), rowCount: to - from };
  });
}

/** Moments in the order asked, so many at a time. */
export function cutMoments({ plan, id, moments }: PastPart): PastPart[] {
  return stretches(moments.length, momentsAtOnce).map(([from, to]) => ({ plan, id, moments: moments.slice(from, to) }));
}

/** The places 0 to `count` in stretches of `size`, the last of what is left: where each begins, and where the next does. */
function stretches(count: number, size: number): (readonly [from: number, to: number])[] {
  return Array.from({ length: Math.ceil(count / size) }, (_, i) => [i * size, Math.min(count, (i + 1) * size)]);
}

/** What the pieces of a part came to, as what the part came to: the vector after the last of them. */
export function joinPieces(pieces: readonly RecordedPart[]): RecordedPart {
  return {
    vector: (pieces.at(-1) as RecordedPart).vector,
    verdicts: pieces.flatMap(({ verdicts }) => verdicts),
  };
}
