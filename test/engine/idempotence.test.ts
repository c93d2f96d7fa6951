import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Mirror } from '../support/mirror.ts';
import { holdsFor, patienceMs } from '../support/property.ts';
import { batchSizes, cut, scenario, shuffled, withoutRepeats } from '../support/streams.ts';
import { everything, pay, payment, takings } from './payments.ts';
import { useScratch } from './scratch.ts';

const scratch = useScratch();

describe('recording again what was recorded', { timeout: patienceMs }, () => {
  const replayed = scenario.chain(({ event, views, stream }) =>
    fc.record({
      event: fc.constant(event),
      views: fc.constant(views),
      first: fc.constant(withoutRepeats(event, stream)),
      again: shuffled(withoutRepeats(event, stream)),
      sizes: batchSizes,
    }),
  );

  test('changes no byte of any log, hash or set', async () => {
    await holdsFor(replayed, 60, async ({ event, views, first, again, sizes }) => {
      await scratch.lend(views, 'event', async (engine) => {
        const mirror = new Mirror(views);
        for (const fields of first) mirror.take(fields);
        for (const batch of cut(first, sizes)) await engine.record(event, batch);
        const before = await scratch.stored(engine.keys.prefix);
        for (const batch of cut(again, sizes)) {
          const outcomes = await engine.record(event, batch);
          expect(outcomes.map(({ status }) => status)).toEqual(batch.map((fields) => mirror.take(fields)));
        }
        expect(await scratch.stored(engine.keys.prefix)).toEqual(before);
      });
    });
  });

  test('finishes what was cut off between two views, and leaves the rest', async () => {
    const prefix = scratch.prefix();
    const engine = await scratch.open([everything, takings], 'event', prefix);
    const half = await scratch.open([takings], 'event', prefix);
    const sent = pay({ paidAt: Date.UTC(2024, 0, 1) });

    expect(await half.record(payment, [sent])).toMatchObject([{ status: 'RECORDED' }]);
    expect(await engine.record(payment, [sent])).toMatchObject([{ status: 'RECORDED' }]);
    expect(await engine.record(payment, [sent])).toMatchObject([{ status: 'DUPLICATE' }]);
    const vectors = await Promise.all([engine.read(everything, ['ada']), engine.read(takings, ['baker'])]);
    expect(vectors.flat().map(({ eventSeq }) => eventSeq)).toEqual([1, 1]);
  });
});
