import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import type { View } from '../../src/define/index.ts';
import { count, sum } from '../../src/define/index.ts';
import type { Engine, PastVector, RecordOutcome, Vector } from '../../src/engine/index.ts';
import { eventClock, type Fields, type History, take, valuesAt } from '../support/oracle.ts';
import { holdsFor, patienceMs } from '../support/property.ts';
import { batchSizes, cut, edgesOf, scenario, scenarioWithoutLifetimes, withoutRepeats } from '../support/streams.ts';
import { contradictions, differences, outOfBounds } from './certainty.ts';
import { pay, payment, spending } from './payments.ts';
import { useScratch } from './scratch.ts';

const scratch = useScratch();
const dayMs = 86_400_000;
const start = Date.UTC(2024, 0, 1);
const fewSingles = fc.constantFrom(1, 2, 5, 7);

/** Feeds the oracle what the engine took in; a late event that it dared not to take is one that it may not know any more. */
function follow(view: View, histories: Map<string, History>, fields: Fields, { status, reason }: RecordOutcome): void {
  const id = String(fields[view.by]);
  const before = histories.get(id) ?? [];
  const now = eventClock(view, before, fields);
  const { verdict, history } = take(view, before, fields, now);
  if (status === 'TOO_LATE' && reason?.includes('remembered')) {
    expect(verdict).toBe('RECORDED');
    expect(Number(fields.at)).toBeLessThanOrEqual(now - dayMs);
    return;
  }
  expect(status).toBe(verdict);
  if (verdict === 'RECORDED') histories.set(id, history);
}

/** Some moments that are worth a look: one's own, those an edge apart from it, and those at and within the end of history. */
function momentsBefore(view: View, asOf: number, backMs: readonly number[]): number[] {
  const ages = [...edgesOf([view]), view.historyMs];
  const within = [...ages, ...backMs].map((age) => Math.floor(age / 2) % (view.historyMs + 1));
  return [0, ...backMs, ...ages, ...within].map((ms) => asOf - ms);
}

/** The features of a moment within history that are not told of, though they go by windows. */
function untold({ view, asOf, now, certainties }: PastVector): string[] {
  if (asOf < now - view.historyMs) return [];
  return view.features.flatMap(({ name, aggregation: { window } }, i) =>
    certainties[i]?.method === 'UNREACHABLE' && window.kind === 'sliding' ? [name] : [],
  );
}

async function readPast(engine: Engine, view: View, id: string, moments: readonly number[]): Promise<PastVector[]> {
  const [found = []] = await engine.past(view, [{ id, moments }]);
  return found;
}

describe('a log', () => {
  const counts = spending({ count1h: count({ window: '1h' }), count30d: count({ window: '30d' }) });
  const open = (singles: number, clock: 'event' | 'wall' = 'event') =>
    scratch.open([counts], clock, scratch.prefix(), scratch.valkey, { singles });

  test('keeps as many singles as it is told, and finds them all', async () => {
    const engine = await open(300);
    const payments = Array.from({ length: 400 }, (_, i) => pay({ paidAt: start + i }));
    for (const one of payments) await engine.record(payment, [one]);
    const [vector] = await engine.refresh(counts, ['ada']);
    expect([...(vector?.values ?? [])]).toEqual([400, 400]);
    const again = await engine.record(payment, payments);
    expect(again.every(({ status }) => status === 'DUPLICATE')).toBe(true);
  });

  test('takes none of those that it put together again, not even the newest, once their ids are forgotten', async () => {
    const engine = await open(1);
    const payments = [0, 1, 2].map((ms) => pay({ paidAt: start + ms }));
    for (const one of [...payments, pay({ paidAt: start + 2 * dayMs })]) await engine.record(payment, [one]);
    const again = await engine.record(payment, payments);
    expect(again.map(({ status }) => status)).toEqual(['TOO_LATE', 'TOO_LATE', 'TOO_LATE']);
  });

  test('misses no ids that have expired as they should', async () => {
    const engine = await open(1, 'wall');
    const dayAgo = (await scratch.now()) - dayMs;
    for (const ms of [4_000, 4_200, 4_400]) await engine.record(payment, [pay({ paidAt: dayAgo + ms })]);
    const ids = () => scratch.valkey.keys(`${engine.keys.prefix}:ids:*`);
    expect(await ids()).toHaveLength(1);
    await vi.waitUntil(async () => (await ids()).length === 0, { timeout: 15_000 });
    await engine.record(payment, [pay(), pay(), pay()]);
    expect(engine.lostCompanions).toBe(0);
  });

  test('keeps the ids of newer events for as long when a late one joins them', async () => {
    const engine = await open(1, 'wall');
    const now = await scratch.now();
    for (const ms of [3, 2, 1]) await engine.record(payment, [pay({ paidAt: now - ms * 1_000 })]);
    const [ids = ''] = await scratch.valkey.keys(`${engine.keys.prefix}:ids:*`);
    const before = await scratch.valkey.pttl(ids);
    await engine.record(payment, [pay({ paidAt: now - 10 * 3_600_000 })]);
    expect(await scratch.valkey.pttl(ids)).toBeGreaterThan(before - 10_000);
  });
});

test('the edges of several windows in one tile leave it out of each', async () => {
  const sums = spending({ sum1h: sum('amount', { window: '1h' }), sum3601s: sum('amount', { window: '3601s' }) });
  const engine = await scratch.open([sums], 'event', scratch.prefix(), scratch.valkey, { singles: 1 });
  const stretch = Math.ceil(start / 30_000) * 30_000;
  for (const ms of [0, 20_000, 3_600_000, 3_610_000]) {
    await engine.record(payment, [pay({ paidAt: stretch + ms, amount: 1 })]);
  }
  const [[now] = []] = await engine.past(sums, [{ id: 'ada', moments: [stretch + 3_610_000] }]);
  expect(now?.certainties).toEqual([
    { lower: 3, upper: 3, method: 'EXACT' },
    { lower: 3, upper: 3, method: 'EXACT' },
  ]);
});

test('an event that joins the tile before one that an edge cuts leaves that one as it was', async () => {
  const sums = spending({ sum245s: sum('amount', { window: '245s' }), count24h: count({ window: '24h' }) });
  const engine = await scratch.open([sums], 'event', scratch.prefix(), scratch.valkey, { singles: 1 });
  const stretch = Math.ceil(start / 720_000) * 720_000;
  for (const ms of [-158_000, 0, 1, 2, 3, 245_000, 245_001, 245_002]) {
    await engine.record(payment, [pay({ paidAt: stretch + ms, amount: 1 })]);
  }
  await engine.record(payment, [pay({ paidAt: stretch - 158_000, amount: 1 })]);
  const [[running], [anew]] = [await engine.read(sums, ['ada']), await engine.refresh(sums, ['ada'])];
  expect(running?.values).toEqual(anew?.values);
});

describe('a log of which the old part is put together', { timeout: patienceMs }, () => {
  test('says of every moment what is true, or between what the truth lies', async () => {
    const backMs = fc.array(fc.nat(3 * dayMs), { maxLength: 3 });
    const given = fc.tuple(scenario, batchSizes, fewSingles, backMs);
    await holdsFor(given, 150, async ([{ event, views, stream }, sizes, singles, back]) => {
      const [view] = views as [View];
      const check = async (engine: Engine, id: string, history: History) => {
        const [vector] = (await engine.read(view, [id])) as [Vector];
        const [now, ...past] = await readPast(engine, view, id, momentsBefore(view, vector.asOf, back));
        expect(contradictions(now as PastVector, valuesAt(view, history, vector.asOf))).toEqual([]);
        expect(outOfBounds(vector, now as PastVector)).toEqual([]);
        for (const then of past) {
          const known = history.filter(({ at }) => at <= then.asOf);
          // A running figure goes by arrival: of the past it knows what was true when the newest event came.
          const certainties = then.certainties.map((one, i) =>
            view.features[i]?.aggregation.window.kind === 'lifetime' ? { ...one, method: 'UNREACHABLE' as const } : one,
          );
          expect(contradictions({ ...then, certainties }, valuesAt(view, known, then.asOf))).toEqual([]);
          expect(outOfBounds(then, then)).toEqual([]);
          expect(untold(then)).toEqual([]);
        }
      };
      await scratch.lend(
        [view],
        'event',
        async (engine) => {
          const histories = new Map<string, History>();
          for (const batch of cut(stream, sizes)) {
            const outcomes = await engine.record(event, batch);
            for (const [i, fields] of batch.entries()) follow(view, histories, fields, outcomes[i] as RecordOutcome);
            for (const [id, history] of histories) await check(engine, id, history);
          }
        },
        { singles },
      );
    });
  });

  test('comes to the same in one step and in several, whatever comes in between', async () => {
    const given = fc.tuple(scenarioWithoutLifetimes, batchSizes, fewSingles);
    await holdsFor(given, 100, async ([{ event, views, stream }, sizes, singles]) => {
      const [view] = views as [View];
      const wellFormed = withoutRepeats(event, stream).filter((fields) => fields[event.id] !== '');
      const newest = Math.max(...wellFormed.map(({ at }) => Number(at)));
      const seed = wellFormed.find(({ at }) => at === newest) as Fields;
      const id = String(seed[view.by]);
      const mine = wellFormed.filter((fields) => fields[view.by] === id && fields !== seed);
      // So many events that both logs take a last step, at one moment. As many stay single as the longest list has.
      const kept = Math.max(singles, ...view.features.map(({ aggregation }) => aggregation.n ?? 0));
      const last = Array.from({ length: 2 * kept + 1 }, (_, i) => ({
        ...seed,
        [event.id]: `last ${i}`,
        at: newest + i,
      }));
      const numbers = Object.keys(event.fields).filter((name) => event.fields[name]?.type === 'number');
      const scale = Math.max(
        0,
        ...wellFormed.flatMap((one) => numbers.map((name) => Math.abs(Number(one[name] ?? 0)))),
      );

      const inSteps = async (engine: Engine) => {
        const taken: Fields[] = [];
        for (const batch of cut(mine, sizes)) {
          const outcomes = await engine.record(event, batch);
          taken.push(...batch.filter((_, i) => outcomes[i]?.status === 'RECORDED'));
        }
        await engine.record(event, last);
        return taken;
      };
      const look = (engine: Engine) => readPast(engine, view, id, momentsBefore(view, newest + 2 * kept, []));
      await scratch.lend(
        [view],
        'event',
        async (stepwise) => {
          const taken = await inSteps(stepwise);
          const found = await look(stepwise);
          const atOnce = await scratch.open([view], 'event', scratch.prefix(), scratch.valkey, { singles });
          await atOnce.record(
            event,
            [...taken, ...last].toSorted((a, b) => Number(a.at) - Number(b.at)),
          );
          for (const [i, then] of (await look(atOnce)).entries()) {
            expect(differences(found[i] as PastVector, then, scale)).toEqual([]);
          }
        },
        { singles },
      );
    });
  });
});
