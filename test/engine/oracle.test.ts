import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Vector } from '../../src/engine/index.ts';
import { Mirror } from '../support/mirror.ts';
import { holdsFor, patienceMs } from '../support/property.ts';
import { batchSizes, cut, scenario } from '../support/streams.ts';
import { expectHonestRevision, expectTrue } from './expectations.ts';
import { useScratch } from './scratch.ts';

const scratch = useScratch();

describe('whatever the definitions, the events and the batches', { timeout: patienceMs }, () => {
  test('what becomes of each event, and each vector after each batch, is what the oracle says', async () => {
    const limits = fc.record({ microsPerCall: fc.constantFrom(0, 100, 3_000) });
    await holdsFor(fc.tuple(scenario, batchSizes, limits), 120, async ([{ event, views, stream }, sizes, few]) => {
      await scratch.lend(
        views,
        'event',
        async (engine) => {
          const mirror = new Mirror(views);
          const earlier = new Map<string, Vector>();
          for (const batch of cut(stream, sizes)) {
            const verdicts = batch.map((fields) => mirror.take(fields));
            const outcomes = await engine.record(event, batch);
            expect(outcomes.map(({ status }) => status)).toEqual(verdicts);

            const told = outcomes.flatMap(({ vectors }) => [...vectors.values()]);
            const read = await Promise.all(views.map((view) => engine.read(view, mirror.ids(view))));
            for (const vector of [...told, ...read.flat()]) {
              const history = mirror.history(vector.view, vector.id);
              expectTrue(vector, history);
              if (history.length > 0) expect(vector.asOf).toBe(vector.lastEventAt);
              const key = engine.keys.log(vector.view, vector.id);
              expectHonestRevision(earlier.get(key) ?? vector, vector);
              earlier.set(key, vector);
            }
          }
        },
        few,
      );
    });
  });
});
