import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Vector } from '../../src/engine/index.ts';
import { holdsFor, patienceMs } from '../support/property.ts';
import { batchSizes, cut, scenarioWithoutLifetimes, shuffled, withoutRepeats } from '../support/streams.ts';
import { useScratch } from './scratch.ts';

const scratch = useScratch();

const permuted = scenarioWithoutLifetimes.chain(({ event, views, stream }) => {
  const unique = withoutRepeats(event, stream);
  const withSomeTwice = [...unique, ...unique.slice(0, 5)];
  return fc.record({
    event: fc.constant(event),
    views: fc.constant(views),
    orders: fc.tuple(shuffled(withSomeTwice), shuffled(withSomeTwice)),
    sizes: batchSizes,
  });
});

describe('a vector over sliding windows is a function of the set of events', { timeout: patienceMs }, () => {
  test('so their order of arrival, batches and repeats change no bit of it', async () => {
    await holdsFor(permuted, 60, async ({ event, views, orders, sizes }) => {
      const [one, other] = await Promise.all(
        orders.map(async (order) => {
          const vectors: Vector[] = [];
          await scratch.lend(views, 'event', async (engine) => {
            for (const batch of cut(order, sizes)) await engine.record(event, batch);
            for (const view of views) {
              const ids = new Set(order.map((fields) => String(fields[view.by])));
              vectors.push(...(await engine.read(view, [...ids].sort())));
            }
          });
          const known = vectors.filter(({ eventSeq }) => eventSeq > 0);
          return known.map(({ revision, eventSeq, completeSince, ...rest }) => ({
            ...rest,
            values: [...rest.values],
          }));
        }),
      );
      expect(one).toEqual(other);
    });
  });
});
