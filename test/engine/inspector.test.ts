import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Aggregation,
  avg,
  count,
  distinct,
  lifetime,
  sum,
  type View,
  type Where,
} from '../../src/define/index.ts';
import {
  type Engine,
  type InspectedDistinct,
  type InspectedFeature,
  type InspectedLifetime,
  type InspectedWindow,
  type Inspection,
  Inspector,
  type PastVector,
} from '../../src/engine/index.ts';
import { writeLibrary } from '../../src/engine/library.ts';
import { planView } from '../../src/engine/plan.ts';
import { SingleServer } from '../../src/valkey/index.ts';
import { holdsFor, patienceMs } from '../support/property.ts';
import { batchSizes, cut, scenario } from '../support/streams.ts';
import { until } from '../support/until.ts';
import { differences, outOfBounds } from './certainty.ts';
import { pay, payment, spending } from './payments.ts';
import { useScratch } from './scratch.ts';

const scratch = useScratch();
const start = Date.UTC(2024, 0, 1);
const hourMs = 3_600_000;
const dayMs = 86_400_000;
const big: Where = { amount: { gte: 100 } };

const inspectorOf = (engine: Engine) =>
  Inspector.open(new SingleServer(scratch.valkey), engine.views, engine.keys.prefix);

async function inspect(engine: Engine, id: string, feature?: string): Promise<Inspection> {
  const [view] = engine.views as [View];
  const position = feature === undefined ? undefined : view.features.findIndex(({ name }) => name === feature);
  const inspection = await (await inspectorOf(engine)).inspect(view, id, position);
  if (!inspection) throw new Error('nothing was told');
  return inspection;
}

/** What the value of one feature is made of. */
async function madeOf<Kind extends InspectedFeature>(engine: Engine, feature: string, id = 'ada'): Promise<Kind> {
  const { features } = await inspect(engine, id, feature);
  expect(features).toHaveLength(1);
  return features[0] as Kind;
}

/** All that Valkey has of views under a prefix: every key as it is, and their functions. */
async function everythingOf(views: readonly View[], prefix: string): Promise<unknown> {
  const { valkey } = scratch;
  const keys = [...(await scratch.keys(prefix)), `${prefix}:registry`];
  const stored = await Promise.all(
    keys.map(async (key) => [await valkey.dumpBuffer(key), await valkey.pexpiretime(key)]),
  );
  const functions = await valkey.call('FUNCTION', 'LIST', 'LIBRARYNAME', writeLibrary(views.map(planView)).name);
  return [keys, stored, functions];
}

function countedIn({ singlesCounted = 0, tilesCounted = 0, cuts = [] }: InspectedWindow): number {
  return singlesCounted + tilesCounted + cuts.reduce((sum, { countedInside }) => sum + countedInside, 0);
}

/** What of an inspection contradicts itself, or what the engine tells otherwise. */
async function contradictionsIn(engine: Engine, view: View, id: string): Promise<string[]> {
  const inspector = await inspectorOf(engine);
  const [vector] = await engine.read(view, [id]);
  if (vector?.eventSeq === 0) return []; // of nothing, every moment tells the same
  const brief = await inspector.inspect(view, id);
  const wrong: string[] = [];
  for (const [position, { name, aggregation }] of view.features.entries()) {
    const found = await inspector.inspect(view, id, position);
    const [feature] = found?.features ?? [];
    if (!vector || !found || !feature) return ['there is nothing'];
    const say = (what: string) => wrong.push(`${name}: ${what}, ${JSON.stringify(feature)}`);
    expect(found.vector).toEqual(vector);
    wrong.push(...outOfBounds(vector, found.current));
    const moments = [found.now, ...found.upcoming.map(({ asOf }) => asOf)];
    const [told = []] = await engine.past(view, [{ id, moments }]);
    for (const [i, one] of [found.current, ...found.upcoming].entries()) {
      wrong.push(...differences(one, told[i] as PastVector, 0));
    }
    const briefly = brief?.features[position];
    if (JSON.stringify(briefly?.leaves) !== JSON.stringify(feature.leaves)) say('leaves otherwise in brief');

    const now = vector.values[position] as number;
    const then = found.upcoming.find(({ asOf }) => asOf === feature.leaves?.at)?.values[position] as number;
    const left = now - (feature.leaves?.counted ?? 0);
    if (feature.leaves && feature.leaves.at <= found.now) say('leaves before now');
    if (feature.kind === 'window' && aggregation.kind === 'count') {
      const { enters, leaves } = feature;
      if (countedIn(feature) !== now || found.current.values[position] !== now) say(`is ${now}`);
      if (!enters && leaves && leaves.counted > 0 && then !== left) say(`becomes ${then}`);
      if (!leaves && now > 0) say('is never left');
    }
    if (feature.kind === 'distinct' && feature.strata.length === 0 && !feature.missing) {
      if (feature.singles + feature.inTable !== now) say(`is ${now}`);
      if (feature.leaves && then !== left) say(`becomes ${then}`);
    }
  }
  return wrong;
}

describe('an inspection', { timeout: patienceMs }, () => {
  test('tells what the engine does, and what the value is made of', async () => {
    const given = fc.tuple(scenario, batchSizes, fc.constantFrom(1, 2, 5, 128));
    await holdsFor(given, 40, async ([{ event, views, stream }, sizes, singles]) => {
      const [view] = views as [View];
      const work = async (engine: Engine) => {
        for (const batch of cut(stream, sizes)) await engine.record(event, batch);
        for (const id of new Set(stream.map((fields) => String(fields[view.by])))) {
          expect(await contradictionsIn(engine, view, id)).toEqual([]);
        }
      };
      await scratch.lend([view], 'event', work, { singles });
    });
  });
});

describe('of a window, it tells', () => {
  const features: { [name: string]: Aggregation } = {
    count1h: count({ window: '1h' }),
    bigSum1h: sum('amount', { window: '1h', where: big }),
    late: count({ window: '1h', delay: '1h' }),
    shops: distinct('shopId', { window: '1h' }),
    average: avg('amount', { window: lifetime({ idle: '24h' }) }),
  };
  const open = (limits: { singles?: number; values?: number } = {}) =>
    scratch.open([spending(features)], 'event', scratch.prefix(), scratch.valkey, limits);

  test('the singles in it, and which of them leaves next', async () => {
    const engine = await open();
    const times = [0, 1, 1, hourMs];
    const payments = times.map((ms, i) => pay({ paidAt: start + ms, amount: 60 * i }));
    await engine.record(payment, payments);
    expect(await madeOf(engine, 'count1h')).toEqual({
      ...{ kind: 'window', from: start, to: start + hourMs, cuts: [] },
      ...{ singles: 3, singlesCounted: 3, tiles: 0, eventsInTiles: 0, tilesCounted: 0 },
      leaves: { at: start + hourMs + 1, events: 2, counted: 2 },
    });
    const big = await inspect(engine, 'ada', 'bigSum1h');
    expect(big.features).toMatchObject([{ singles: 3, singlesCounted: 2, leaves: { events: 2, counted: 1 } }]);
    expect(big.upcoming.map(({ asOf, values }) => [asOf, values[1]])).toEqual([[start + hourMs + 1, 180]]);
    expect(big.vector.values[1]).toBe(300);
  });

  test('what leaves and what enters behind a delay, and the value then', async () => {
    const engine = await open();
    await engine.record(
      payment,
      [0, 7, 1.5 * hourMs].map((ms) => pay({ paidAt: start + ms })),
    );
    const { features, upcoming, now } = await inspect(engine, 'ada', 'late');
    expect(now).toBe(start + 1.5 * hourMs);
    expect(features).toMatchObject([
      {
        singles: 2,
        leaves: { at: start + 2 * hourMs, events: 1, counted: 1 },
        enters: { at: start + 2.5 * hourMs, events: 1, counted: 1 },
      },
    ]);
    expect(upcoming.map(({ values }) => values[2])).toEqual([1, 1]);
  });

  test('the tiles in it, and the one that its edge cuts', async () => {
    const engine = await open({ singles: 2 });
    // Tiles are of thirty seconds; from the second on, one event a second.
    const payments = Array.from({ length: 100 }, (_, i) => pay({ paidAt: start + 1_000 * i }));
    await engine.record(payment, [
      ...payments,
      pay({ paidAt: start + hourMs + 9_000 }),
      pay({ paidAt: start + hourMs + 9_500 }),
    ]);
    const { log, features, current } = await inspect(engine, 'ada', 'count1h');
    const [{ cuts = [], ...window } = { cuts: [] }] = features as InspectedWindow[];
    expect(log).toMatchObject({ singles: 2, tiles: 4, eventsInTiles: 100, frontier: start + 99_000, oldest: start });
    expect(window).toMatchObject({ singles: 2, tiles: 3, eventsInTiles: 70 });
    expect(cuts).toEqual([
      {
        ...{ edge: 'older', first: start, last: start + 29_000, events: 30, counted: 30 },
        ...{ inside: 21, countedInside: 21, fewest: expect.any(Number), most: expect.any(Number) },
      },
    ]);
    const [{ fewest = 0, most = 0 } = {}] = cuts;
    expect(current.certainties[0]).toEqual({ method: 'INTERPOLATED', lower: 72 + fewest, upper: 72 + most });
    expect(current.values[0]).toBe(93);
  });

  test('that a single was retracted', async () => {
    const engine = await open();
    const [one, other] = [pay({ paidAt: start }), pay({ paidAt: start + 1 })];
    await engine.record(payment, [one, other]);
    await engine.retract(payment, ['amount'], one);
    const { log, features } = await inspect(engine, 'ada', 'count1h');
    expect(log).toMatchObject({ singles: 2, retracted: 1 });
    expect(features).toMatchObject([{ singles: 1, singlesCounted: 1, leaves: { at: start + 1 + hourMs } }]);
  });

  const visits = (...shopIds: string[]) => shopIds.map((shopId, i) => pay({ shopId, paidAt: start + i }));

  test('the values that its singles show, and which of them leaves next', async () => {
    const engine = await open();
    await engine.record(payment, visits('a', 'b', 'a', 'c'));
    expect(await madeOf(engine, 'shops')).toMatchObject({
      ...{ kind: 'distinct', singles: 3, missing: false, buckets: 0, slots: 0, stored: 0, inTable: 0, inside: 0 },
      ...{ strata: [], fedAt: null, leaves: { at: start + 1 + hourMs, events: 1, counted: 1 } },
    });
  });

  test('the values whose last sighting is in a tile, too', async () => {
    const engine = await open({ singles: 2 });
    await engine.record(payment, visits('a', 'b', 'c', 'd', 'b', 'e'));
    expect(await madeOf(engine, 'shops')).toMatchObject({
      ...{ singles: 2, missing: false, stored: 3, inTable: 3, inside: 3, strata: [], fedAt: start + 3 },
      leaves: { at: start + hourMs, events: 1, counted: 1 },
    });
    // Values that have left stay in the table for as long as may be looked back.
    await engine.record(payment, [pay({ shopId: 'e', paidAt: start + hourMs + 2 })]);
    expect(await madeOf(engine, 'shops')).toMatchObject({
      ...{ singles: 1, stored: 4, inTable: 2, inside: 2 },
      leaves: { at: start + hourMs + 3, events: 1, counted: 1 },
    });
  });

  test('which fractions of the values a sample keeps', async () => {
    const engine = await open({ values: 50 });
    const payments = Array.from({ length: 400 }, (_, i) => pay({ shopId: `shop ${i}`, paidAt: start + 5_000 * i }));
    await engine.record(payment, payments);
    // What a call puts into a table while it compacts is thinned by the next.
    await engine.record(payment, [pay({ shopId: 'shop 399', paidAt: start + 5_000 * 400 })]);
    const { inTable, inside, strata } = await madeOf<InspectedDistinct>(engine, 'shops');
    expect(inTable).toBeLessThanOrEqual(50);
    expect(strata.reduce((sum, { values }) => sum + values, 0)).toBe(inTable);
    expect(strata.reduce((sum, { values, fraction }) => sum + values / fraction, 0)).toBeCloseTo(inside);
    expect(Math.min(...strata.map(({ fraction }) => fraction))).toBeLessThan(0.5);
    const { current } = await inspect(engine, 'ada', 'shops');
    expect(current.certainties[3]?.method).toBe('SAMPLED');
  });

  test.each([{ values: 1 }, { values: 9 }])(
    'that its table is gone, whether or not of a sample: %o',
    async (limits) => {
      const engine = await open({ singles: 1, ...limits });
      await engine.record(payment, visits('a', 'b', 'c', 'd'));
      const { keys } = await inspect(engine, 'ada');
      await scratch.valkey.del(keys.find(({ kind }) => kind === 'seen')?.name ?? '');
      expect(await madeOf(engine, 'shops')).toMatchObject({
        missing: true,
        singles: 1,
        buckets: 0,
        stored: 0,
        inTable: 0,
      });
    },
  );

  test('of a running figure, what it holds and when it forgets', async () => {
    const engine = await open();
    await engine.record(payment, [pay({ paidAt: start }), pay({ paidAt: start + 3 })]);
    expect(await madeOf<InspectedLifetime>(engine, 'average')).toEqual({
      ...{ kind: 'lifetime', events: 2, oldest: start, arrival: start + 3, ended: false, endedAt: null },
      leaves: { at: start + 3 + dayMs, events: 2, counted: 2 },
    });
  });
});

describe('an inspector', () => {
  const counts = spending({ count1h: count({ window: '1h' }) }, 'looked_into');

  test('changes nothing, neither keys nor functions, whatever it finds', async () => {
    const engine = await scratch.open([counts], 'wall', scratch.prefix(), scratch.valkey, { singles: 2 });
    const now = await scratch.now();
    const payments = Array.from({ length: 9 }, (_, i) => pay({ paidAt: now - hourMs + 100 * i }));
    await engine.record(payment, payments);
    await scratch.valkey.del(engine.keys.hash(counts, 'ada'));
    const before = await everythingOf(engine.views, engine.keys.prefix);
    // Until a read would bring it up to date.
    await until(async () => {
      const { vector, now: then } = await inspect(engine, 'ada', 'count1h');
      return then >= (vector.validUntil ?? then);
    });
    await inspect(engine, 'nobody', 'count1h');
    expect(await everythingOf(engine.views, engine.keys.prefix)).toEqual(before);
  });

  test('tells of keys how large they are, and that some are not there', async () => {
    const engine = await scratch.open([counts], 'wall');
    await engine.record(payment, [pay()]);
    const { keys, log } = await inspect(engine, 'ada');
    expect(keys.map(({ kind, size }) => [kind, size])).toEqual([
      ['log', log.headerBytes + log.singleSlots * log.singleBytes],
      ['hash', await scratch.valkey.hlen(engine.keys.hash(counts, 'ada'))],
      ['ids', null],
      ['corrections', null],
    ]);
    expect(keys[0]?.expiresIn).toBeGreaterThan(dayMs);
    expect(keys[0]?.memory).toBeGreaterThan(keys[0]?.size ?? Number.POSITIVE_INFINITY);
    expect(keys[2]).toMatchObject({ memory: null, expiresIn: -2 });
  });

  test('tells the names of keys as they are', async () => {
    const engine = await scratch.open([counts], 'wall');
    const userId = '{a}"\\/%é';
    await engine.record(payment, [pay({ userId })]);
    const { keys } = await inspect(engine, userId);
    expect(keys.map(({ name }) => name).slice(0, 2)).toEqual([
      engine.keys.log(counts, userId),
      engine.keys.hash(counts, userId),
    ]);
  });

  test('tells of an entity of which nothing is stored that it is so, also where nothing ever was', async () => {
    const engine = await scratch.open([counts], 'wall');
    expect(await inspect(engine, 'nobody')).toMatchObject({ stored: false, vector: { eventSeq: 0 } });
    const unloaded = spending({ count2h: count({ window: '2h' }) }, 'never_loaded');
    const inspector = await Inspector.open(new SingleServer(scratch.valkey), [unloaded], scratch.prefix());
    expect(inspector.clock).toBeNull();
    expect(await inspector.inspect(unloaded, 'nobody')).toBeNull();
  });

  test('goes by the clock that the prefix is of', async () => {
    const engine = await scratch.open([counts], 'event');
    await engine.record(payment, [pay({ paidAt: start })]);
    expect((await inspectorOf(engine)).clock).toBe('event');
    expect((await inspect(engine, 'ada')).now).toBe(start);
  });

  test('loads no functions: where those of its definitions are not at work, it says so', async () => {
    const engine = await scratch.open([counts], 'wall');
    await engine.record(payment, [pay()]);
    const grown = spending({ count1h: count({ window: '1h' }), sum1h: sum('amount', { window: '1h' }) }, 'looked_into');
    const inspector = await Inspector.open(new SingleServer(scratch.valkey), [grown], engine.keys.prefix);
    const before = await everythingOf([grown], engine.keys.prefix);
    expect(before).toMatchObject([{}, {}, []]);
    await expect(inspector.inspect(grown, 'ada')).rejects.toMatchObject({
      code: 'STORE_INCOMPATIBLE',
      message: expect.stringContaining('are not loaded in this Valkey'),
    });
    expect(await everythingOf([grown], engine.keys.prefix)).toEqual(before);
    // Once they are, a log that they have not touched yet is one of an older version.
    await scratch.open([grown], 'wall', engine.keys.prefix);
    await expect(inspector.inspect(grown, 'ada')).rejects.toMatchObject({
      code: 'STORE_INCOMPATIBLE',
      message: expect.stringContaining('read it once, and look again'),
    });
  });

  test('fails on what is no log, and on what is no id', async () => {
    const engine = await scratch.open([counts], 'wall');
    await scratch.valkey.rpush(engine.keys.log(counts, 'ada'), 'nonsense');
    await expect(inspect(engine, 'ada')).rejects.toMatchObject({ code: 'LOG_FAULT' });
    await expect(inspect(engine, '')).rejects.toMatchObject({ code: 'ID_INVALID' });
  });
});
