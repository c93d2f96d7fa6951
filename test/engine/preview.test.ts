import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { count, distinct, share, type View } from '../../src/define/index.ts';
import type { Engine, RecordOutcome } from '../../src/engine/index.ts';
import type { Fields } from '../support/oracle.ts';
import { holdsFor, patienceMs } from '../support/property.ts';
import { scenario } from '../support/streams.ts';
import { valuesOf } from './expectations.ts';
import { everything, pay, payment, spending, takings } from './payments.ts';
import { useScratch } from './scratch.ts';

const scratch = useScratch();
const start = Date.UTC(2024, 0, 1);
const dayMs = 86_400_000;

const stored = (engine: Engine) => scratch.stored(engine.keys.prefix);

/** What an outcome says, but for the revisions of its vectors, and until when they hold. */
function told({ vectors, ...outcome }: RecordOutcome) {
  const shown = [...vectors.values()].map(({ view, id, values, asOf, lastEventAt, eventSeq, completeSince }) => ({
    view: view.name,
    ...{ id, values: [...values], asOf, lastEventAt, eventSeq, completeSince },
  }));
  return { ...outcome, shown };
}

describe('a preview', () => {
  test('shows the features with the event in them, of all of its views, and records nothing', async () => {
    const engine = await scratch.open([everything, takings], 'event');
    await engine.record(payment, [pay({ paidAt: start }), pay({ paidAt: start + 1_000, shopId: 'smith' })]);
    const before = await stored(engine);
    const outcome = await engine.preview(payment, pay({ paidAt: start + 2_000, amount: 500, shopId: 'miller' }));
    expect(outcome).toMatchObject({ status: 'RECORDED', reason: null, occurredAt: start + 2_000 });
    const [mine, theirs] = [everything, takings].map((view) => outcome.vectors.get(view));
    expect(mine && valuesOf(mine)).toMatchObject({
      count1m: 3,
      bigCount1h: 1,
      max24h: 500,
      shops24h: 3,
      lastAmount: 500,
    });
    expect(theirs && valuesOf(theirs)).toEqual({ sum24h: 500, users24h: 1 });
    expect(theirs?.id).toBe('miller');
    expect(await stored(engine)).toEqual(before);
  });

  test('of whom nothing is known stores nothing of them either', async () => {
    const engine = await scratch.open([everything], 'wall');
    const { status, vectors } = await engine.preview(payment, pay());
    expect(status).toBe('RECORDED');
    expect(valuesOf(vectors.get(everything) as never)).toMatchObject({ count1m: 1, shops24h: 1 });
    expect(await stored(engine)).toEqual({});
    const [vector] = await engine.read(everything, ['ada']);
    expect(vector?.eventSeq).toBe(0);
  });

  test('counts a distinct value only if no window holds it yet', async () => {
    const shops = spending({
      shops1m: distinct('shopId', { window: '1m' }),
      shops1h: distinct('shopId', { window: '1h' }),
    });
    const engine = await scratch.open([shops], 'event');
    await engine.record(payment, [pay({ paidAt: start }), pay({ paidAt: start + 90_000, shopId: 'smith' })]);
    const shown = async (shopId: string) => {
      const { vectors } = await engine.preview(payment, pay({ paidAt: start + 91_000, shopId }));
      return Object.values(valuesOf(vectors.get(shops) as never));
    };
    expect(await shown('smith')).toEqual([1, 2]);
    expect(await shown('baker')).toEqual([2, 2]);
    expect(await shown('miller')).toEqual([2, 3]);
  });

  test('says of what could not be recorded why, as recording does', async () => {
    const engine = await scratch.open([everything], 'event');
    const first = pay({ paidAt: start });
    await engine.record(payment, [first, pay({ paidAt: start + 31 * dayMs })]);
    const newest = pay({ paidAt: start + 31 * dayMs });
    await engine.record(payment, [newest]);
    for (const input of [
      first,
      { ...newest, amount: 11 },
      pay({ paidAt: start + 1_000 }),
      pay({ amount: 1e16, paidAt: start }),
      pay({ userId: '', paidAt: start }),
      pay({ paidAt: null }),
    ]) {
      const preview = await engine.preview(payment, input);
      const [outcome] = await engine.record(payment, [input]);
      expect(preview.status).not.toBe('RECORDED');
      expect(told(preview)).toEqual(told(outcome as RecordOutcome));
    }
  });

  test('takes no label or tile into the lists beside the log', async () => {
    const rates = spending({ rate: share('fraud', { window: '30d' }), n: count({ window: '30d' }) });
    const engine = await scratch.open([rates], 'event', scratch.prefix(), scratch.valkey, { singles: 2 });
    for (let i = 0; i < 3; i++) await engine.record(payment, [pay({ paidAt: start + i, fraud: true })]);
    const before = await stored(engine);
    await engine.preview(payment, pay({ paidAt: start + 3, fraud: true }));
    expect(await stored(engine)).toEqual(before);
  });

  test('is a function that Valkey itself keeps from writing', async () => {
    const libraries = (await scratch.valkey.call('FUNCTION', 'LIST')) as unknown[][];
    const functions = libraries.flatMap((library) => library[library.indexOf('functions') + 1] as unknown[][]);
    const previews = functions.filter((one) => String(one[1]).startsWith('freshet_preview_'));
    expect(previews.length).toBeGreaterThan(0);
    for (const one of previews) expect(one[one.indexOf('flags') + 1]).toEqual(['no-writes']);
  });
});

describe('whatever the definitions and the events', { timeout: patienceMs }, () => {
  test('a preview changes nothing, and recording right after says the same', async () => {
    const given = fc.tuple(scenario, fc.constantFrom(1, 2, 5, 128), fc.array(fc.boolean(), { minLength: 5 }));
    await holdsFor(given, 80, async ([{ event, views, stream }, singles, previewed]) => {
      const use = async (engine: Engine) => {
        for (const [i, fields] of (stream as (Fields & object)[]).entries()) {
          if (!previewed[i % previewed.length]) {
            await engine.record(event, [fields]);
            continue;
          }
          const before = await stored(engine);
          const preview = await engine.preview(event, fields);
          expect(await stored(engine)).toEqual(before);
          const [outcome] = await engine.record(event, [fields]);
          expect(told(preview)).toEqual(told(outcome as RecordOutcome));
        }
      };
      await scratch.lend(views as View[], 'event', use, { singles });
    });
  });
});
