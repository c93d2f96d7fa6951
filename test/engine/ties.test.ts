import { describe, expect, it } from 'vitest';
import { sortTies } from '../../src/engine/ties.ts';

/** Rows of a time, an id and something of their own. */
function rowsOf(events: readonly (readonly [time: number, id: number, own: number])[]): Buffer {
  const rows = Buffer.alloc(24 * events.length);
  for (const [row, [time, id, own]] of events.entries()) {
    rows.writeDoubleLE(time, 24 * row);
    rows.writeBigUInt64LE(BigInt(id), 24 * row + 8);
    rows.writeDoubleLE(own, 24 * row + 16);
  }
  return rows;
}

describe('events of one moment that follow each other', () => {
  it('go by their ids, whole and with their places; of one id the first stays first, and others keep their order', () => {
    const [none, big] = [Number.NaN, 2 ** 40];
    const rows = rowsOf([
      [5, 9, 0],
      [5, 3, 1],
      [5, big, 2],
      [5, 3, 3],
      [4, 8, 4],
      [4, 1, 5],
      [5, 2, 6],
      [none, 7, 7],
      [none, 6, 8],
    ]);
    const places = [10, 11, 12, 13, 14, 15, 16, 17, 18];
    sortTies(rows, places);
    expect(rows).toEqual(
      rowsOf([
        [5, 3, 1],
        [5, 3, 3],
        [5, 9, 0],
        [5, big, 2],
        [4, 1, 5],
        [4, 8, 4],
        [5, 2, 6],
        [none, 7, 7],
        [none, 6, 8],
      ]),
    );
    expect(places).toEqual([11, 13, 10, 12, 15, 14, 16, 17, 18]);
  });
});
