import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DueQueue } from '../../src/live/due-queue.ts';

const step = fc.oneof(
  fc.record({ set: fc.nat(20), at: fc.nat(50) }),
  fc.record({ delete: fc.nat(20) }),
  fc.record({ takeBy: fc.nat(50) }),
);

test('whatever is put in, moved and taken out, the first due comes first, and each once', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const queue = new DueQueue<number>();
      const model = new Map<number, number>();
      for (const one of steps) {
        if ('set' in one) {
          queue.set(one.set, one.at);
          model.set(one.set, one.at);
        } else if ('delete' in one) {
          queue.delete(one.delete);
          model.delete(one.delete);
        } else {
          const due = [...model].filter(([, at]) => at <= one.takeBy);
          const taken = queue.takeDue(one.takeBy);
          expect(taken.map((thing) => model.get(thing))).toEqual(due.map(([, at]) => at).sort((a, b) => a - b));
          expect([...taken].sort()).toEqual(due.map(([thing]) => thing).sort());
          for (const [thing] of due) model.delete(thing);
        }
        expect(queue.size).toBe(model.size);
        expect(queue.firstDueAt).toBe(model.size > 0 ? Math.min(...model.values()) : null);
      }
    }),
  );
});
