import fc from 'fast-check';
import { afterAll, describe, expect, inject, test } from 'vitest';
import { connect } from '../../src/valkey/index.ts';
import { beginning } from '../support/arbitraries.ts';
import type { History } from '../support/oracle.ts';
import { holdsFor, patienceMs } from '../support/property.ts';
import { singleAddress } from '../support/single-address.ts';
import { cut } from '../support/streams.ts';
import { expectTrue, valuesOf } from './expectations.ts';
import { everything, pay, payment } from './payments.ts';
import { useScratch } from './scratch.ts';

const scratch = useScratch();
const elsewhere = connect(singleAddress(inject('valkeyUrl')), { commandTimeoutMs: 20_000 });
afterAll(() => elsewhere.quit());

const dayMs = 86_400_000;

describe('two engines on one Valkey', { timeout: patienceMs }, () => {
  const sent = fc.record({
    ages: fc.array(fc.integer({ min: 0, max: 20 * dayMs }), { minLength: 1, maxLength: 60 }),
    sizes: fc.tuple(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 8 })),
  });

  test('take in each event exactly once, whichever sends it first', async () => {
    await holdsFor(sent, 30, async ({ ages, sizes }) => {
      const prefix = scratch.prefix();
      const engines = [
        await scratch.open([everything], 'event', prefix),
        await scratch.open([everything], 'event', prefix, elsewhere),
      ];
      const events = ages.map((age, i) =>
        pay({ paymentId: `${i}`, paidAt: beginning - age, amount: (i * 7.31) % 200, shopId: `shop ${i % 7}` }),
      );
      const statuses = await Promise.all(
        engines.map(async (engine, i) => {
          const batches = cut(i === 0 ? events : events.toReversed(), [sizes[i] ?? 1]);
          const outcomes = await Promise.all(batches.map((batch) => engine.record(payment, batch)));
          return outcomes.flat().map(({ status }) => status);
        }),
      );
      const [there = [], back = []] = statuses;
      const pairs = there.map((status, i) => [status, back.at(-1 - i)].sort());
      expect(pairs).toEqual(events.map(() => ['DUPLICATE', 'RECORDED']));

      const history: History = events.map((fields) => ({ fields, at: Number(fields.paidAt), arrivedAt: beginning }));
      for (const engine of engines) {
        const [vector] = await engine.read(everything, ['ada']);
        if (vector) expectTrue(vector, history);
      }
    });
  });

  test('lose nothing of one entity on the wall clock', async () => {
    const prefix = scratch.prefix();
    const engines = [
      await scratch.open([everything], 'wall', prefix),
      await scratch.open([everything], 'wall', prefix, elsewhere),
    ];
    const calls = Array.from({ length: 200 }, (_, i) => engines[i % 2]?.record(payment, [pay({ amount: 1 })]));
    await Promise.all(calls);
    const [vector] = await scratch
      .open([everything], 'wall', prefix)
      .then((engine) => engine.read(everything, ['ada']));
    expect(vector && valuesOf(vector)).toMatchObject({ count1m: 200, count24h: 200, sum30d: 200, avg1h: 1 });
  });
});
