import { beforeEach, describe, expect, it } from 'vitest';
import type { Vector } from '../../src/engine/index.ts';
import { WatchedEntity } from '../../src/live/watched-entity.ts';
import { payments } from './payments.ts';
import { vectorOf } from './vectors.ts';

let entity: WatchedEntity;
let moment: number;

beforeEach(() => {
  entity = new WatchedEntity('key', payments, 'anna');
  moment = 0;
});

const state = (eventSeq: number, revision: number): Vector => vectorOf('anna', { eventSeq, revision });
const read = (vector: Vector, readAt = ++moment) => entity.takeRead(vector, readAt, false);
const answer = (vector: Vector, applied = 1) => entity.takeAnswer(vector, applied, ++moment);

describe('an answer', () => {
  it('is taken where it comes next: by the count, and not by an older revision', () => {
    read(state(3, 30));
    expect(answer(state(5, 40))).toBe(false);
    entity.hear(++moment, { isLoss: false });
    read(state(5, 40));
    expect(answer(state(6, 39))).toBe(false);
    expect(answer(state(7, 50), 2)).toBe(true);
    expect(entity.last).toEqual(state(7, 50));
  });

  it('counts though it changed nothing', () => {
    read(state(3, 30));
    expect([answer(state(4, 30)), answer(state(5, 31))]).toEqual([true, true]);
  });

  it('is not taken where nothing is known, or what was recorded was forgotten by then', () => {
    expect(answer(state(1, 10))).toBe(false);
    read(state(0, 20));
    expect([answer(state(1, 10)), answer(state(1, 20)), answer(state(1, 30))]).toEqual([false, false, true]);
  });

  it.each([
    ['one that did not fit', () => answer(state(5, 50))],
    ['a loss', () => entity.hear(++moment, { isLoss: true })],
    ['a gap', () => entity.openGap(++moment)],
  ])('is not taken after %s until a read that began later', (_, doubt) => {
    read(state(3, 30));
    entity.hear(++moment, { isLoss: false });
    const underWay = ++moment;
    doubt();
    expect(answer(state(4, 60))).toBe(false);
    read(state(4, 60), underWay);
    expect(answer(state(5, 70))).toBe(false);
    entity.hear(++moment, { isLoss: false });
    read(state(5, 70));
    expect(answer(state(6, 80))).toBe(true);
  });
});

describe('a sweep', () => {
  const refutes = (found: Vector, lastRevision: number, begun: number) =>
    entity.isRefutedBy(found, begun, lastRevision);

  it('refutes what is known by what is newer, or older', () => {
    read(state(3, 30));
    const begun = ++moment;
    const found = [state(3, 30), state(4, 40), state(2, 20), state(0, 10)];
    expect(found.map((one) => refutes(one, 30, begun))).toEqual([false, true, true, true]);
  });

  it('refutes nothing that came since it began, or by a read that had begun', () => {
    read(state(3, 30));
    const [underWay, begun] = [++moment, ++moment];
    read(state(4, 40), underWay);
    expect(refutes(state(3, 30), 30, begun)).toBe(false);
    entity.hear(++moment, { isLoss: false });
    expect(refutes(state(5, 50), 30, begun)).toBe(false);
  });
});
