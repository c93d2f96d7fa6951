import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EventInput } from '../../src/engine/index.ts';
import { BothWays } from '../support/both-ways.ts';
import { Draw } from '../support/draw.ts';
import type { Grammar } from '../support/drawn-documents.ts';
import { drawnRequests } from '../support/drawn-requests.ts';
import { Moments } from '../support/moments.ts';
import { compilable, fragileCount, order, orderSchema, orderViews } from '../support/orders.ts';
import { holdsFor, patienceMs } from '../support/property.ts';

const dayMs = 86_400_000;
const begun = Date.now();
const ago = (days: number) => new Date(begun - days * dayMs).toISOString();
/** How long ago the newest order of a buyer may be. */
const newestDays = [2, 3];

const grammar: Grammar = {
  schema: orderSchema,
  compilable: (type, field) => compilable[type]?.(field) ?? false,
  pools: {
    ids: [
      ...['b1', 'b2', 'fragile', 'nobody', '{a}', '%7Ba%7D', 'é商店👩‍🚀', 'x'.repeat(256), '__proto__', 'constructor'],
      ...['b1', 'b2', 's1', 's2', 1, 7, '', 'x'.repeat(257), 'a\u0001', '\u2028"\\'],
    ],
    numbers: [0, 1, 2.5, -3, 99.99, 100],
    times: [ago(2), ago(3), ago(10), ago(29), ago(400), ago(-1)],
    always: [],
  },
};

/** A failure is told as it was drawn: in a smaller one, what comes later would be drawn otherwise. */
const drawing = fc.noShrink(fc.gen());

/** How many of what is asked must have been answered by compiled operations: else nothing was compared. */
const leastShort = 0.25;

function assertCompared({ taken }: BothWays): void {
  const all = Object.values(taken).reduce((sum, one) => sum + one);
  process.stderr.write(`${expect.getState().currentTestName}: ${JSON.stringify(taken)}\n`);
  expect(taken.short / all).toBeGreaterThan(leastShort);
  for (const way of ['left', 'reference', 'none'] as const) expect(taken[way]).toBeGreaterThan(0);
}

/** Sends what is drawn both ways, and sees that it goes where it should. */
async function compareDrawn(ways: BothWays, of: Grammar, kind: 'query' | 'mutation', draw: Draw, moments: Moments) {
  const { plain, others } = drawnRequests(draw, of, kind, 6);
  if (kind === 'query') await ways.warm(plain);
  else await ways.compare(plain, (body) => moments.masked(body));
  for (const { request, isForShortWay } of others) {
    const { way, status, body } = await ways.compare(request, (said) => moments.masked(said));
    const isWhole = status === 200 && body.startsWith('{"data":{');
    const asked = String(request.body);
    if (isForShortWay === true && isWhole) expect(way, asked).toBe('short');
    if (isForShortWay === false) expect(way, asked).not.toBe('short');
  }
}

describe('queries', () => {
  let ways: BothWays;
  let moments: Moments;

  beforeAll(async () => {
    ways = await BothWays.start({ schema: orderSchema, views: orderViews });
    const { ids, times } = grammar.pools;
    const known = ids.map(String).filter((id) => id !== 'nobody');
    const orders = known.flatMap((id, i) =>
      Array.from(
        { length: id === 'fragile' ? fragileCount : 1 + (i % 5) },
        (_, n): EventInput => ({
          orderId: `${i}:${n}`,
          buyerId: id,
          shopId: known[(i + n) % known.length] as string,
          price: (i + 1) * 7.25 * n,
          placedAt: Date.parse(times[n === 0 ? 0 : (i + n) % 4] as string),
          paid: [true, false, null][n % 3] ?? null,
          dueAt: n % 2 === 0 ? begun + n * dayMs : null,
          fraud: n % 2 === 1 ? n % 3 === 0 : null,
        }),
      ),
    );
    await ways.short.engine.record(order, orders);
    // What was stored so far is the same both ways; what is made up from now on is of its moment.
    moments = new Moments(
      Date.now() + 1,
      newestDays.map((days) => begun - days * dayMs),
    );
  });
  afterAll(() => ways?.stop());

  it(
    'are answered alike, whichever way they go',
    async () => {
      await holdsFor(drawing, 200, (next) => compareDrawn(ways, grammar, 'query', new Draw(next), moments));
      assertCompared(ways);
    },
    patienceMs,
  );
});

describe('mutations', () => {
  let ways: BothWays;
  let run = 0;

  beforeAll(async () => {
    ways = await BothWays.start({ apart: true, schema: orderSchema, views: orderViews });
  });
  afterAll(() => ways?.stop());

  it(
    'come to the same, whichever way they go',
    async () => {
      const moments = new Moments(
        begun - 60_000,
        grammar.pools.times.map((time) => Date.parse(time)),
      );
      await holdsFor(drawing, 100, async (next) => {
        run++;
        const ids = ['a', 'b', 'c', '{d}', 'é'].map((id) => `${id}${run}`);
        const pools = {
          ids: [...ids, ...ids, '', 'x'.repeat(257)],
          numbers: [...grammar.pools.numbers, 2.5, 2.5, 1e15, 1e16, -1e21],
          times: grammar.pools.times,
          // What is recorded as of now would be so at two moments.
          always: ['placedAt'],
        };
        const draw = new Draw(next);
        for (const _ of draw.some(3, () => 1))
          await compareDrawn(ways, { ...grammar, pools }, 'mutation', draw, moments);
      });
      assertCompared(ways);
    },
    patienceMs,
  );
});
