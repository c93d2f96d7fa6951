import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { count, max } from '../../src/define/index.ts';
import type { Vector } from '../../src/engine/index.ts';
import { Mirror } from '../support/mirror.ts';
import { holdsFor, patienceMs } from '../support/property.ts';
import { batchSizes, cut, scenario } from '../support/streams.ts';
import { pay, payment, spending } from './payments.ts';
import { useScratch } from './scratch.ts';
import { hashIn, hashOf } from './served-hash.ts';

const scratch = useScratch();

describe('the served hash', () => {
  test('says what the vector says, after every batch', { timeout: patienceMs }, async () => {
    await holdsFor(fc.tuple(scenario, batchSizes), 50, async ([{ event, views, stream }, sizes]) => {
      await scratch.lend(views, 'event', async (engine) => {
        const mirror = new Mirror(views);
        for (const batch of cut(stream, sizes)) {
          for (const fields of batch) mirror.take(fields);
          await engine.record(event, batch);
          for (const view of views) {
            const known = mirror.ids(view).filter((id) => mirror.history(view, id).length > 0);
            for (const vector of await engine.read(view, known)) {
              expect((await hashIn(scratch.valkey, engine, vector)).fields).toEqual(hashOf(vector));
            }
          }
        }
      });
    });
  });

  test('has snake_case fields, leaves out what is null, and tells times in ms and when it was written in s', async () => {
    const profile = spending({
      txnCount1h: count({ window: '1h' }),
      maxAmount1h: max('amount', { window: '1h', delay: '1h' }),
    });
    const engine = await scratch.open([profile], 'wall');
    const [outcome] = await engine.record(payment, [pay({ amount: 0.1 })]);
    const vector = outcome?.vectors.get(profile);
    if (!vector) throw new Error('no vector came back');

    const hash = await scratch.valkey.hgetall(engine.keys.hash(profile, 'ada'));
    expect(hash).toEqual({
      txn_count_1h: '1',
      _as_of: `${vector.asOf}`,
      _valid_until: `${vector.asOf + 3_600_000}`,
      _last_event_at: `${vector.asOf}`,
      _complete_since: `${vector.completeSince}`,
      _updated_at: `${Math.floor(vector.asOf / 1000)}`,
      _revision: `${vector.revision}`,
      _event_seq: '1',
    });
  });
});

describe('a refresh', () => {
  test('of a log that did not change keeps the vector and its revision', { timeout: patienceMs }, async () => {
    await holdsFor(scenario, 30, async ({ event, views, stream }) => {
      await scratch.lend(views, 'event', async (engine) => {
        await engine.record(event, stream);
        for (const view of views) {
          const ids = ['a', '{b}%', 'm', '商店'];
          const known = (await engine.read(view, ids)).filter(({ eventSeq }) => eventSeq > 0);
          const again = await engine.refresh(
            view,
            known.map(({ id }) => id),
          );
          expect(again).toEqual(known);
        }
      });
    });
  });

  test('moves the moment of a vector on, and nothing else while time changes nothing', async () => {
    const profile = spending({ count24h: count({ window: '24h' }) });
    const engine = await scratch.open([profile], 'wall');
    const [outcome] = await engine.record(payment, [pay()]);
    const before = outcome?.vectors.get(profile);
    if (!before) throw new Error('no vector came back');

    const later = await vi.waitUntil(async () => {
      const [vector] = await engine.refresh(profile, ['ada']);
      return vector && vector.asOf > before.asOf && vector;
    });
    expect(later).toEqual({ ...before, asOf: later.asOf });
    expect((await hashIn(scratch.valkey, engine, before)).fields._as_of).toBe(`${later.asOf}`);
  });

  test('restores a hash that is missing, and so does the next event', async () => {
    const profile = spending({ count24h: count({ window: '24h' }) });
    const engine = await scratch.open([profile], 'wall');
    await engine.record(payment, [pay()]);
    const key = engine.keys.hash(profile, 'ada');

    await scratch.valkey.del(key);
    const [refreshed] = await engine.refresh(profile, ['ada']);
    expect((await hashIn(scratch.valkey, engine, refreshed as Vector)).fields).toEqual(hashOf(refreshed as Vector));
    expect(await scratch.valkey.pttl(key)).toBeGreaterThan(86_000_000);

    await scratch.valkey.del(key);
    const [outcome] = await engine.record(payment, [pay()]);
    const vector = outcome?.vectors.get(profile);
    expect((await hashIn(scratch.valkey, engine, vector as Vector)).fields).toEqual(hashOf(vector as Vector));
    expect(await scratch.valkey.pttl(key)).toBeGreaterThan(86_000_000);
  });
});

describe('a hash that is missing', () => {
  test('is restored whole by whoever reads, or sends again what is recorded', async () => {
    const profile = spending({ count24h: count({ window: '24h' }) });
    const engine = await scratch.open([profile], 'wall');
    const event = pay();
    await engine.record(payment, [event]);
    const key = engine.keys.hash(profile, 'ada');
    for (const touch of [() => engine.read(profile, ['ada']), () => engine.record(payment, [event])]) {
      await scratch.valkey.del(key);
      await touch();
      expect(await scratch.valkey.exists(key)).toBe(1);
      const [vector] = await engine.read(profile, ['ada']);
      expect((await hashIn(scratch.valkey, engine, vector as Vector)).fields).toEqual(hashOf(vector as Vector));
      expect(await scratch.valkey.pttl(key)).toBeGreaterThan(86_000_000);
    }
  });
});
