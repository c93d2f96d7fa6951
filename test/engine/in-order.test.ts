import { expect, test } from 'vitest';
import { last, type View, type Where } from '../../src/define/index.ts';
import type { Engine, EventInput } from '../../src/engine/index.ts';
import { pay, payment, spending } from './payments.ts';
import { useScratch } from './scratch.ts';

const scratch = useScratch();
const start = Date.UTC(2024, 0, 1);
const big: Where = { amount: { gte: 100 } };

/** Opens an engine of one view under the event clock, and records ada's payments, given as [ms after the start, amount]. */
async function recorded(view: View, payments: readonly (readonly [ms: number, amount: number])[], singles = 128) {
  const engine = await scratch.open([view], 'event', scratch.prefix(), scratch.valkey, { singles });
  await engine.record(payment, payments.map(paid));
  return engine;
}

const paid = ([ms, amount]: readonly [ms: number, amount: number]): EventInput => pay({ amount, paidAt: start + ms });

/** How sure a view's only feature was at a moment. */
async function then(engine: Engine, ms: number) {
  const [[vector] = []] = await engine.past(engine.views[0] as View, [{ id: 'ada', moments: [start + ms] }]);
  return vector?.certainties[0];
}

test('last may be older than the stretch that the moment cuts, where that need not hold one that passes', async () => {
  const payments: [number, number][] = [
    [0, 500],
    [100_000, 1],
    [100_010, 900],
    ...Array.from({ length: 9 }, (_, i): [number, number] => [1_000_000 + i, 1]),
  ];
  const engine = await recorded(spending({ newest: last('amount', { window: '1h', where: big }) }), payments, 2);
  expect(await then(engine, 100_005)).toMatchObject({ method: 'INTERPOLATED', lower: 500, upper: 900 });
});
