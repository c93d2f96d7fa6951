import { describe, expect, it } from 'vitest';
import type { RecordPart } from '../../../src/engine/parts.ts';
import { Turns, type Waiting } from '../../../src/engine/rehearsal/turns.ts';

const waitingFor = (log: string, rowCount = 1): { readonly log: string; readonly waiting: Waiting } => ({
  log,
  waiting: { part: { rowCount } as RecordPart, resolve: () => {}, span: null },
});
const logsOf = (turns: ReturnType<Turns['take']>) => turns.map(({ log, waiting }) => `${log} ${waiting.length}`);
const numbered = (name: string, count: number) => Array.from({ length: count }, (_, i) => waitingFor(`${name}${i}`));

describe('turns', () => {
  it('are of each log once, with all who wait for it, in their order', () => {
    const turns = new Turns();
    const [first, second, third] = [waitingFor('a'), waitingFor('a'), waitingFor('b')];
    turns.add([first]);
    turns.add([third, second]);
    const taken = turns.take();
    expect(logsOf(taken)).toEqual(['a 2', 'b 1']);
    expect(taken[0]?.waiting).toEqual([first.waiting, second.waiting]);
    expect(turns.take()).toEqual([]);
  });

  it('leave a log alone that a round has, until it is given back', () => {
    const turns = new Turns();
    turns.add([waitingFor('a')]);
    turns.take();
    turns.add([waitingFor('a'), waitingFor('b')]);
    expect(logsOf(turns.take())).toEqual(['b 1']);
    turns.giveBack('a');
    expect(logsOf(turns.take())).toEqual(['a 1']);
    turns.giveBack('a');
    expect(turns.take()).toEqual([]);
  });

  it('go around among calls: a small one does not wait for a large one', () => {
    const turns = new Turns();
    turns.add(numbered('large', 1_000));
    turns.add(numbered('other', 1_000));
    turns.add([waitingFor('small')]);
    expect(logsOf(turns.take()).slice(0, 4)).toEqual(['large0 1', 'other0 1', 'small 1', 'large1 1']);
    turns.add([waitingFor('smaller')]);
    expect(logsOf(turns.take())).toContain('smaller 1');
  });

  it('come to all, whatever the order in which logs are given back', () => {
    const turns = new Turns();
    for (let call = 0; call < 20; call++) {
      turns.add(Array.from({ length: 30 }, (_, i) => waitingFor(`${(call * 7 + i * i) % 50}`, 1 + (i % 3))));
    }
    let count = 0;
    for (let rounds = 0; count < 600; rounds++) {
      expect(rounds).toBeLessThan(600);
      const taken = turns.take();
      expect(new Set(taken.map(({ log }) => log)).size).toBe(taken.length);
      for (const { log, waiting } of taken.toReversed()) {
        count += waiting.length;
        turns.giveBack(log);
      }
    }
    expect(turns.take()).toEqual([]);
  });

  it('are of so many rows, but for a part that has more by itself', () => {
    const turns = new Turns();
    turns.add([waitingFor('a', 100), waitingFor('b', 100), waitingFor('c', 1_000)]);
    turns.add([waitingFor('a', 100)]);
    const rows = (taken: ReturnType<Turns['take']>) =>
      taken.flatMap(({ waiting }) => waiting).reduce((sum, { part }) => sum + part.rowCount, 0);
    const all = [];
    for (let taken = turns.take(); taken.length > 0; taken = turns.take()) {
      all.push(rows(taken));
      for (const { log } of taken) turns.giveBack(log);
    }
    expect(all.reduce((sum, one) => sum + one)).toBe(1_300);
    expect(all.filter((one) => one > 200)).toHaveLength(1);
  });

  it('end with who waits, if what they wait for does not come', () => {
    const turns = new Turns();
    turns.add(numbered('a', 3));
    turns.take();
    turns.add(numbered('a', 3));
    expect(turns.drain()).toHaveLength(3);
    expect(turns.take()).toEqual([]);
  });
});
