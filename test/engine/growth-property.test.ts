import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { View } from '../../src/define/index.ts';
import { PrefixRegistry, servedValues, type Vector } from '../../src/engine/index.ts';
import { Mirror } from '../support/mirror.ts';
import { disagreements, type History, valuesAt } from '../support/oracle.ts';
import { holdsFor, patienceMs } from '../support/property.ts';
import { batchSizes, cut, scenario } from '../support/streams.ts';
import { useScratch } from './scratch.ts';

const scratch = useScratch();

/** The view as it was before its newest features came: some of them, in another order. */
function younger(view: View, kept: readonly number[]): View {
  const places = new Set(kept.map((place) => place % view.features.length));
  return { ...view, features: [...places].flatMap((place) => view.features[place] ?? []) };
}

/** In which of a younger view's features a vector of the grown view is wrong. */
function disturbed(old: View, vector: Vector, history: History): string[] {
  const served = servedValues(vector);
  const placeOf = (wanted: string) => vector.view.features.findIndex(({ name }) => name === wanted);
  const kept = old.features.map(({ name }) => served[placeOf(name)] ?? 0);
  return disagreements(old, kept, valuesAt(old, history, vector.asOf));
}

const grown = fc.record({
  scenario,
  kept: fc.array(fc.nat(7), { minLength: 1, maxLength: 5 }),
  sizes: batchSizes,
  grownAt: fc.nat(30),
});

describe('features added to a view', { timeout: patienceMs }, () => {
  test('disturb none of those that were there, whatever came before and comes after', async () => {
    await holdsFor(grown, 50, async ({ scenario: { event, views, stream }, kept, sizes, grownAt }) => {
      const [view] = views;
      if (!view) return;
      const old = younger(view, kept);
      await scratch.lend([old], 'event', async (engine) => {
        const mirror = new Mirror([old]);
        for (const fields of stream.slice(0, grownAt)) mirror.take(fields);
        for (const batch of cut(stream.slice(0, grownAt), sizes)) await engine.record(event, batch);

        const later = mirror.grown(old, view);
        const grownEngine = await scratch.open([view], 'event', engine.keys.prefix);
        for (const batch of cut(stream.slice(grownAt), sizes)) {
          const verdicts = batch.map((fields) => later.take(fields));
          const outcomes = await grownEngine.record(event, batch);
          expect(outcomes.map(({ status }) => status)).toEqual(verdicts);
        }
        for (const vector of await grownEngine.read(view, later.ids(view))) {
          expect(disturbed(old, vector, later.history(view, vector.id))).toEqual([]);
        }
        await scratch.unload([view]);
      });
    });
  });
});

describe('features withdrawn from a view', { timeout: patienceMs }, () => {
  test('take none of those that stay along, whatever came before and comes after', async () => {
    await holdsFor(grown, 30, async ({ scenario: { event, views, stream }, kept, sizes, grownAt }) => {
      const [view] = views;
      if (!view) return;
      const old = younger(view, kept);
      await scratch.lend([view], 'event', async (engine) => {
        const mirror = new Mirror([view]);
        for (const fields of stream.slice(0, grownAt)) mirror.take(fields);
        for (const batch of cut(stream.slice(0, grownAt), sizes)) await engine.record(event, batch);

        const registry = new PrefixRegistry(scratch.servers, engine.keys);
        await registry.withdraw(await registry.beyond([old]));
        const later = mirror.grown(view, old);
        const youngerEngine = await scratch.open([old], 'event', engine.keys.prefix);
        for (const batch of cut(stream.slice(grownAt), sizes)) {
          const verdicts = batch.map((fields) => later.take(fields));
          const outcomes = await youngerEngine.record(event, batch);
          expect(outcomes.map(({ status }) => status)).toEqual(verdicts);
        }
        for (const vector of await youngerEngine.read(old, later.ids(old))) {
          expect(disturbed(old, vector, later.history(old, vector.id))).toEqual([]);
        }
        await scratch.unload([old]);
      });
    });
  });
});
