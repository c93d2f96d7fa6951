import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { View } from '../../src/define/index.ts';
import { servedValues, unfillable, type Vector } from '../../src/engine/index.ts';
import { Mirror } from '../support/mirror.ts';
import { disagreements, valuesAt } from '../support/oracle.ts';
import { holdsFor, patienceMs } from '../support/property.ts';
import { batchSizes, cut, scenario } from '../support/streams.ts';
import { useScratch } from './scratch.ts';

const scratch = useScratch();

/** Another version of a view, with some of its features in another order. */
function secondVersion(view: View, kept: readonly number[]): View {
  const places = new Set(kept.map((place) => place % view.features.length));
  return { ...view, version: 2, features: [...places].flatMap((place) => view.features[place] ?? []) };
}

const filled = fc.record({
  scenario,
  kept: fc.array(fc.nat(7), { minLength: 1, maxLength: 5 }),
  sizes: batchSizes,
  fedAt: fc.nat(20),
  filledAfter: fc.nat(20),
});

describe('a version that takes over what another one keeps', { timeout: patienceMs }, () => {
  test('says what the oracle says of all events, those included that came before it and come after', async () => {
    await holdsFor(filled, 50, async ({ scenario: { event, views, stream }, kept, sizes, fedAt, filledAfter }) => {
      const [from] = views;
      if (!from) return;
      const to = secondVersion(from, kept);
      expect(unfillable(from, to)).toEqual([]);
      // One without windows takes events, and keeps them, that are older than all windows of the other.
      if (to.features.every(({ aggregation }) => aggregation.window.kind === 'lifetime')) return;
      const [before, between, after] = [
        stream.slice(0, fedAt),
        stream.slice(fedAt, fedAt + filledAfter),
        stream.slice(fedAt + filledAfter),
      ];
      await scratch.lend([from], 'event', async (first) => {
        const mirror = new Mirror([from]);
        for (const fields of [...before, ...between]) mirror.take(fields);
        for (const batch of cut(before, sizes)) await first.record(event, batch);
        const both = await scratch.open([from, to], 'event', first.keys.prefix);
        for (const batch of cut(between, sizes)) await both.record(event, batch);

        const ids = mirror.ids(from);
        // Of an event that came twice, with two labels, each version may have been told of another one first.
        await both.fill(from, to, ids);
        const outcomes = await both.fill(from, to, ids, true);
        expect(outcomes.filter((outcome) => outcome instanceof Error || outcome === 'UNDER_WAY')).toEqual([]);
        expect(new Set(await both.fill(from, to, ids))).toEqual(new Set(ids.length > 0 ? ['WAS_FILLED'] : []));

        const later = mirror.grown(from, to);
        for (const fields of after) later.take(fields);
        for (const batch of cut(after, sizes)) await both.record(event, batch);
        const wrong = (vector: Vector) =>
          disagreements(to, servedValues(vector), valuesAt(to, later.history(to, vector.id), vector.asOf));
        for (const vector of await both.read(to, later.ids(to))) expect(wrong(vector)).toEqual([]);
        await scratch.unload([from, to]);
      });
    });
  });

  test('says what that one says, also of events that were put together', async () => {
    const limits = { singles: 4, values: 3 };
    await holdsFor(filled, 30, async ({ scenario: { event, views, stream }, kept, sizes, fedAt }) => {
      const [from] = views;
      if (!from) return;
      const to = secondVersion(from, kept);
      // As above.
      if (to.features.every(({ aggregation }) => aggregation.window.kind === 'lifetime')) return;
      await scratch.lend(
        [from],
        'event',
        async (first) => {
          for (const batch of cut(stream.slice(0, fedAt), sizes)) await first.record(event, batch);
          const both = await scratch.open([from, to], 'event', first.keys.prefix, scratch.valkey, limits);
          for (const batch of cut(stream.slice(fedAt), sizes)) await both.record(event, batch);
          const ids = [...new Set(stream.map((fields) => String(fields[from.by])))].filter((id) => id !== '');
          const outcomes = await both.fill(from, to, ids, true);
          expect(outcomes.filter((outcome) => outcome instanceof Error || outcome === 'UNDER_WAY')).toEqual([]);
          const taken = ids.filter((_, i) => outcomes[i] === 'FILLED');
          const [of, with_] = [await both.read(from, taken), await both.read(to, taken)];
          for (const [i, vector] of with_.entries()) {
            const original = of[i] as Vector;
            const values = (one: Vector) =>
              to.features
                .filter(({ aggregation }) => aggregation.kind !== 'distinct')
                .map(({ name }) => servedValues(one)[one.view.features.findIndex((other) => other.name === name)]);
            // It may have been told of an event under an id that the other one knew from an earlier one: its now stays there.
            expect(vector.asOf).toBeGreaterThanOrEqual(original.asOf);
            if (vector.asOf === original.asOf) expect(values(vector)).toEqual(values(original));
          }
          await scratch.unload([from, to]);
        },
        limits,
      );
    });
  });
});
