/** Where a row has its id (see row-encoder.ts). */
const idAt = 8;

/**
 * Brings events that follow each other, and are of one moment, into the order in which they stand in a log: by their ids. So each of them
 * stands after all before it, which takes least to record. Of those with one id, the first stays first.
 * @param rows as they were encoded. @param places of the events, which go with them.
 */
export function sortTies(rows: Buffer, places: number[]): void {
  const count = places.length;
  const rowBytes = rows.length / count;
  for (let from = 0, to = 1; from < count; from = to++) {
    const time = rows.readDoubleLE(from * rowBytes);
    // What has no time (NaN) keeps its order: it is given one when it is recorded, and not all may be at once.
    while (to < count && rows.readDoubleLE(to * rowBytes) === time) to++;
    if (to - from > 1) sortById(rows.subarray(from * rowBytes, to * rowBytes), rowBytes, places, from);
  }
}

function sortById(rows: Buffer, rowBytes: number, places: number[], from: number): void {
  const count = rows.length / rowBytes;
  const ids = Array.from({ length: count }, (_, row) => rows.readBigUInt64LE(row * rowBytes + idAt));
  const order = ids.map((_, row) => row).sort((a, b) => compare(ids[a] as bigint, ids[b] as bigint));
  if (order.every((row, i) => row === i)) return;
  const [rowsBefore, placesBefore] = [Buffer.from(rows), places.slice(from, from + count)];
  for (const [i, row] of order.entries()) {
    rowsBefore.copy(rows, i * rowBytes, row * rowBytes, (row + 1) * rowBytes);
    places[from + i] = placesBefore[row] as number;
  }
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
