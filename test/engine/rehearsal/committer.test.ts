import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, describe, expect, inject, it, vi } from 'vitest';
import { count, distinct, last, max, share, sum, type Where } from '../../../src/define/index.ts';
import { Engine, type EventInput, type Vector } from '../../../src/engine/index.ts';
import { headerPlaces, layoutOf, markBytes, singleFormat } from '../../../src/engine/layout.ts';
import { planView } from '../../../src/engine/plan.ts';
import { laneCount } from '../../../src/engine/rehearsal/committer.ts';
import { InPlace } from '../../../src/engine/rehearsal/in-place.ts';
import { Lane } from '../../../src/engine/rehearsal/lane.ts';
import { Rehearsal } from '../../../src/engine/rehearsal/rehearsal.ts';
import { Turns } from '../../../src/engine/rehearsal/turns.ts';
import { connect, SingleServer } from '../../../src/valkey/index.ts';
import { holdsFor, patienceMs } from '../../support/property.ts';
import { singleAddress } from '../../support/single-address.ts';
import { ThrowawayValkey } from '../../support/throwaway-valkey.ts';
import { until } from '../../support/until.ts';
import { retract } from '../correcting.ts';
import { valuesOf } from '../expectations.ts';
import { pay, payment, spending } from '../payments.ts';
import { useScratch } from '../scratch.ts';

const scratch = useScratch();
const elsewhere = connect(singleAddress(inject('valkeyUrl')), { commandTimeoutMs: 20_000 });
afterAll(() => elsewhere.quit());

const view = spending(
  {
    count1h: count({ window: '1h' }),
    sum24h: sum('amount', { window: '24h' }),
    max1h: max('amount', { window: '1h' }),
    fraudRate: share('fraud', { window: '6h', delay: '1h' }),
    shops6h: distinct('shopId', { window: '6h' }),
    shops24h: distinct('shopId', { window: '24h' }),
    newest: last('amount', { window: '24h' }),
    newestLarge: last('amount', { window: '1h', where: { amount: { gte: 15 } } as Where }),
  },
  'rehearsed',
);
const start = Date.UTC(2024, 0, 1);

const layout = layoutOf(planView(view));
const places = headerPlaces(planView(view));

/** Where a log tells what the wall clock said: revision, complete_since, expires_at, and until when sets of last-seen times are kept. */
const byTheClock = [8, 48, 56, ...places.seen.map(({ at }) => 8 * (at + 1))];

/** Puts zeros where a log has room for singles that it has not. */
function clearFreeSlots(log: Buffer): void {
  const [singles, slots] = [log.readDoubleLE(8 * places.book), log.readDoubleLE(8 * (places.book + 1))];
  const marksAt = 8 + 8 * places.doubles;
  const singlesAt = marksAt + markBytes(layout) * slots;
  log.fill(0, marksAt + markBytes(layout) * singles, singlesAt);
  log.fill(0, singlesAt + singleFormat(layout).bytes * singles, singlesAt + singleFormat(layout).bytes * slots);
}

/** What is stored beside served hashes, but for that, for free slots, and for the sign of what is not a number. */
async function stored(prefix: string): Promise<{ [key: string]: string }> {
  const keys = (await scratch.keys(prefix)).filter((key) => !key.startsWith(`${prefix}:v1:`));
  const texts = keys.map(async (key) => {
    const bytes = (await scratch.valkey.getBuffer(key)) as Buffer;
    if (key.startsWith(`${prefix}:log:`)) {
      for (const at of byTheClock) bytes.fill(0, at, at + 8);
      clearFreeSlots(bytes);
    }
    return [key.slice(prefix.length), bytes.toString('hex').replaceAll('000000000000f8ff', '000000000000f87f')];
  });
  return Object.fromEntries(await Promise.all(texts));
}

/** Numbers are written otherwise by Valkey than by Node, and mean the same. */
async function hash(engine: Engine): Promise<{ [field: string]: number }> {
  const { _revision, _updated_at, _complete_since, ...rest } = await scratch.valkey.hgetall(
    engine.keys.hash(view, 'ada'),
  );
  return Object.fromEntries(Object.entries(rest).map(([field, text]) => [field, Number(text)]));
}

describe('a rehearsal', { timeout: patienceMs }, () => {
  const step = fc.record({
    gapMs: fc.oneof(
      { weight: 9, arbitrary: fc.integer({ min: 1, max: 20 * 60_000 }) },
      // Several at one moment.
      { weight: 3, arbitrary: fc.constant(0) },
      { weight: 1, arbitrary: fc.integer({ min: 1, max: 40 * 3_600_000 }) },
    ),
    lateMs: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.integer({ min: 0, max: 30 * 3_600_000 })),
    shop: fc.nat(60),
    amount: fc.nat(20),
    fraud: fc.constantFrom(true, false, null),
    again: fc.nat(9),
    /** Whether it comes with the one before, in one call or in one that waits behind that. */
    isWithLast: fc.boolean(),
    isBehindLast: fc.boolean(),
  });

  it('leaves to the byte what the store itself would', async () => {
    const histories = fc.record({
      // Logs are compacted again and again, or never.
      singles: fc.constantFrom(12, 144),
      // Windows let go of events as others come, or hold so many values that samples are kept of them.
      isSlow: fc.boolean(),
      steps: fc.array(step, { minLength: 60, maxLength: 160 }),
    });
    await holdsFor(histories, 16, async ({ singles, isSlow, steps }) => {
      const limits = { singles, values: 24 };
      const prefixes = [scratch.prefix(), scratch.prefix()];
      const [here, there] = (await Promise.all(
        prefixes.map((prefix, i) =>
          scratch.open([view], 'event', prefix, scratch.valkey, { ...limits, rehearses: i === 0 }),
        ),
      )) as [Engine, Engine];
      const sent: EventInput[] = [];
      const rounds: EventInput[][][] = [];
      let at = start;
      for (const { gapMs, lateMs, shop, amount, fraud, again, isWithLast, isBehindLast } of steps) {
        at += isSlow ? gapMs : Math.ceil(gapMs / 1_000);
        const event =
          again === 0 && sent.length > 0
            ? { ...(sent[Math.floor((amount / 21) * sent.length)] as EventInput), ...(fraud && { paidAt: at }) }
            : pay({ paidAt: at - lateMs, shopId: `shop ${shop}`, amount, fraud });
        sent.push(event);
        // Of more events at once, the store does some at a time: a log has other room then.
        const round = rounds.at(-1);
        const last = round?.at(-1);
        if (isWithLast && last && last.length < 16) last.push(event);
        else if (isBehindLast && round && rounds.length > 1) round.push([event]);
        else rounds.push([[event]]);
      }
      for (const round of rounds) {
        const ones = await Promise.all(round.map((batch) => here.record(payment, batch)));
        const others: typeof ones = [];
        for (const batch of round) others.push(await there.record(payment, batch));
        const told = (all: typeof ones) =>
          all.flat().map(({ status, reason, occurredAt, vectors }) => {
            const vector = vectors.get(view);
            return { status, reason, occurredAt, values: vector && [...vector.values], validUntil: vector?.validUntil };
          });
        expect(told(ones)).toEqual(told(others));
        expect(await stored(prefixes[0] as string)).toEqual(await stored(prefixes[1] as string));
      }
      expect(await hash(here)).toEqual(await hash(there));
      expect(here.recordings.byRehearsal).toBe(rounds.flat().length - 1); // the store begins a log
      expect(there.recordings.byRehearsal).toBe(0);
    });
  });

  it('of many events of one entity at once shows each its own, in turn', async () => {
    // The log is compacted again and again meanwhile.
    const limits = { singles: 16, rehearses: true };
    const engine = await scratch.open([view], 'wall', scratch.prefix(), scratch.valkey, limits);
    await engine.record(payment, [pay()]);
    const outcomes = await Promise.all(Array.from({ length: 300 }, () => engine.record(payment, [pay()])));
    const counts = outcomes.map(([outcome]) => valuesOf(outcome?.vectors.get(view) as Vector).count1h);
    expect(counts).toEqual(Array.from({ length: 300 }, (_, i) => i + 2));
    expect(engine.recordings).toEqual({ byRehearsal: 300, byStore: 1, overtaken: 0 });
  });

  it('of a log that was compacted foresees what it will look at: it is seldom begun anew', async () => {
    const limits = { singles: 8, rehearses: true };
    const engine = await scratch.open([view], 'event', scratch.prefix(), scratch.valkey, limits);
    let at = start;
    const recordMany = async (count: number) => {
      for (let i = 0; i < count; i++) {
        at += 60_000;
        await engine.record(payment, [pay({ paidAt: at, shopId: `shop ${i % 20}` })]);
      }
    };
    await recordMany(100);
    const record = vi.spyOn(InPlace.prototype, 'record');
    await recordMany(100);
    const begun = record.mock.calls.length;
    record.mockRestore();
    expect(begun).toBeGreaterThanOrEqual(100);
    expect(begun).toBeLessThan(130);
  });

  it('of a log whose newest tile was retracted goes on where that one stood', async () => {
    const faults: Error[] = [];
    const limits = { singles: 16, rehearses: true, onFault: (fault: Error) => faults.push(fault) };
    const windows = { count350m: count({ window: '350m' }), sum350m: sum('amount', { window: '350m' }) };
    const summed = spending(windows, 'retracted');
    const engine = await scratch.open([summed], 'event', scratch.prefix(), scratch.valkey, limits);
    const events = Array.from({ length: 43 }, (_, i) => pay({ paidAt: start + i * 20 * 60_000 }));
    for (const event of events) await engine.record(payment, [event]);
    // The newest of those that were put together, alone in its tile.
    await retract(engine, events[26] as EventInput);
    const next = pay({ paidAt: start + (42 * 20 + 15) * 60_000 });
    const [outcome] = await engine.record(payment, [next]);
    expect(valuesOf(outcome?.vectors.get(summed) as Vector)).toEqual({ count350m: 17, sum350m: 17 * 10 });
    expect(faults).toEqual([]);
  });

  it('that somebody overtakes records nothing; what they left alone is tried again, the rest is for the store', async () => {
    const prefix = scratch.prefix();
    const engines = await Promise.all(
      [scratch.valkey, elsewhere].map((valkey) => scratch.open([view], 'wall', prefix, valkey, { rehearses: true })),
    );
    const users = ['ada', 'bob', 'cyd'];
    let each = 0;
    const recordTogether = async () => {
      each += 20;
      const calls = Array.from({ length: 20 }, () =>
        engines.map((engine) =>
          engine.record(
            payment,
            users.map((userId) => pay({ userId })),
          ),
        ),
      );
      const outcomes = (await Promise.all(calls.flat())).flat();
      expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(['RECORDED']));
    };
    await until(async () => {
      await recordTogether();
      return engines.every(({ recordings: { overtaken, byRehearsal } }) => overtaken > 0 && byRehearsal > 0);
    });
    const vectors = await (engines[0] as Engine).read(view, users);
    expect(vectors.map((vector) => valuesOf(vector).count1h)).toEqual(users.map(() => 2 * each));
    const ways = engines.map(({ recordings: { byRehearsal, byStore } }) => byRehearsal + byStore);
    expect(ways).toEqual(engines.map(() => each * users.length));
  });
});

describe('more than is done at once', { timeout: patienceMs }, () => {
  it('waits, and each event is in once, also where nearly each has its log compacted', async () => {
    const limits = { singles: 8, rehearses: true };
    const engine = await scratch.open([view], 'wall', scratch.prefix(), scratch.valkey, limits);
    const users = Array.from({ length: 600 }, (_, i) => `user ${i}`);
    const recordAll = () =>
      engine.record(
        payment,
        users.map((userId) => pay({ userId })),
      );
    for (let i = 0; i < 12; i++) await recordAll();
    const before = engine.recordings.byRehearsal;
    const outcomes = (await Promise.all([recordAll(), recordAll(), recordAll()])).flat();
    expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(['RECORDED']));
    const vectors = await engine.read(view, users);
    expect(new Set(vectors.map(({ eventSeq }) => eventSeq))).toEqual(new Set([15]));
    expect(engine.recordings.byRehearsal - before).toBe(3 * users.length);
  });
});

describe('what cannot be rehearsed', () => {
  it('is done by the store: where the served hash is gone, which is whole again at once', async () => {
    const engine = await scratch.open([view], 'wall', scratch.prefix(), scratch.valkey, { rehearses: true });
    const name = engine.keys.hash(view, 'ada');
    for (let nth = 1; nth <= 5; nth++) {
      await engine.record(payment, [pay()]);
      const fields = await scratch.valkey.hlen(name);
      expect([fields, (await scratch.valkey.pttl(name)) > 0]).toEqual([13, true]);
      await scratch.valkey.del(name);
    }
    expect(engine.recordings).toEqual({ byRehearsal: 0, byStore: 5, overtaken: 0 });
  });

  it('is told of, if the fault is of the rehearsal alone', async () => {
    const faults: Error[] = [];
    const onFault = (fault: Error) => faults.push(fault);
    const [valkey, keyPrefix] = [scratch.valkey, scratch.prefix()];
    const engine = await Engine.open({
      servers: new SingleServer(valkey),
      views: [view],
      keyPrefix,
      clock: 'wall',
      onFault,
    });
    await engine.record(payment, [pay()]);
    const rehearse = vi.spyOn(Rehearsal.prototype, 'record').mockImplementation(() => {
      throw new TypeError('x is not a function');
    });
    // What comes late is not recorded in place.
    const late = [1, 2, 3].map((seconds) => pay({ paidAt: Date.now() - 1_000 * seconds }));
    const outcomes = await Promise.all(late.map((event) => engine.record(payment, [event])));
    rehearse.mockRestore();
    expect(outcomes.flat().map(({ status }) => status)).toEqual(['RECORDED', 'RECORDED', 'RECORDED']);
    expect(faults.map(({ message }) => message)).toEqual([
      expect.stringMatching(/left to the store: .*not a function/),
    ]);
  });

  it('is for the store from there on: what came before it, and waits with it, is rehearsed', async () => {
    const engine = await scratch.open([view], 'wall', scratch.prefix(), scratch.valkey, { rehearses: true });
    const began = Date.now() - 60_000;
    await engine.record(payment, [pay({ paidAt: began })]);
    const rehearse = vi.spyOn(Rehearsal.prototype, 'record').mockImplementation(() => {
      throw new Error('for the store to say');
    });
    const events = [1, 2, -1, 3, 4].map((seconds) => pay({ paidAt: began + 1_000 * seconds }));
    // The first is on its way as the others come, which wait together.
    const outcomes = await Promise.all(events.map((event) => engine.record(payment, [event])));
    rehearse.mockRestore();
    const counts = outcomes.map(([outcome]) => valuesOf(outcome?.vectors.get(view) as Vector).count1h);
    expect(counts).toEqual([2, 3, 4, 5, 6]);
    expect(engine.recordings).toEqual({ byRehearsal: 2, byStore: 1 + 3, overtaken: 0 });
  });
});

describe('single events that come while a round is under way', () => {
  it('are one more round together', async () => {
    const engine = await scratch.open([view], 'wall', scratch.prefix(), scratch.valkey, { rehearses: true });
    const users = Array.from({ length: 20 }, (_, i) => `user ${i}`);
    await engine.record(
      payment,
      users.map((userId) => pay({ userId })),
    );
    const take = vi.spyOn(Turns.prototype, 'take');
    const outcomes = await Promise.all(users.map((userId) => engine.record(payment, [pay({ userId })])));
    const rounds = take.mock.results.map(({ value }) => value.length).filter((logs) => logs > 0);
    take.mockRestore();
    expect(rounds).toEqual([1, 19]);
    expect(new Set(outcomes.map(([outcome]) => outcome?.status))).toEqual(new Set(['RECORDED']));
    expect(engine.recordings.byRehearsal).toBe(20);
  });
});

describe('what lies beyond the head of a log', () => {
  it('is asked for at once where the log is known, and once more where it is other than it was', async () => {
    const prefix = scratch.prefix();
    const open = () => scratch.open([view], 'event', prefix, scratch.valkey, { singles: 8, rehearses: true });
    const [engine, other] = [await open(), await open()];
    let at = start;
    const record = (by: Engine) => {
      at += 1_000;
      return by.record(payment, [pay({ paidAt: at, shopId: `shop ${at}` })]);
    };
    for (let nth = 1; nth <= 40; nth++) await record(other);
    const ask = vi.spyOn(Lane.prototype, 'ask');
    const asked = async (by: Engine) => {
      ask.mockClear();
      const [outcome] = await record(by);
      expect(outcome?.status).toBe('RECORDED');
      return ask.mock.calls.length;
    };
    expect(await asked(engine)).toBe(1);
    expect([await asked(engine), await asked(engine), await asked(engine)]).toEqual([0, 0, 0]);
    // By others it is compacted over and over, and its tables grow.
    for (let nth = 1; nth <= 400; nth++) await record(other);
    expect(await asked(engine)).toBe(1);
    expect(await asked(engine)).toBe(0);
    ask.mockRestore();
    const [vector] = await engine.read(view, ['ada']);
    expect(vector?.eventSeq).toBe(446);
  });
});

describe('a connection that is lost while a rehearsal needs more', () => {
  it('has written nothing, of none of the round: the store records it', async () => {
    const prefix = scratch.prefix();
    const open = () => scratch.open([view], 'event', prefix, scratch.valkey, { singles: 8, rehearses: true });
    const before = await open();
    let at = start;
    // One log is compacted, and is looked at twice; the other is not.
    await before.record(payment, [pay({ userId: 'little', paidAt: at })]);
    for (at += 1_000; at <= start + 60_000; at += 1_000)
      await before.record(payment, [pay({ userId: 'much', paidAt: at })]);
    // One that knows nothing of them yet.
    const engine = await open();
    const ask = vi.spyOn(Lane.prototype, 'ask').mockRejectedValueOnce(new Error('Connection is closed.'));
    const both = ['little', 'much'].map((userId) => pay({ userId, paidAt: at + 1_000 }));
    const outcomes = await engine.record(payment, both);
    expect(ask).toHaveBeenCalledOnce();
    ask.mockRestore();
    expect(outcomes.map(({ status }) => status)).toEqual(['RECORDED', 'RECORDED']);
    expect(engine.recordings).toEqual({ byRehearsal: 0, byStore: 2, overtaken: 0 });
    const vectors = await engine.read(view, ['little', 'much']);
    expect(vectors.map(({ eventSeq }) => eventSeq)).toEqual([2, 61]);
  });
});

describe('while connections for recording are lost', { timeout: patienceMs }, () => {
  it('each event is in once, when what was not answered is sent again', async () => {
    const server = await ThrowawayValkey.create();
    await server.start();
    const valkey = connect(singleAddress(server.url));
    try {
      // Logs are soon compacted, so that rehearsals read more than once.
      const engine = await Engine.open({
        servers: new SingleServer(valkey),
        views: [view],
        keyPrefix: 'lost',
        clock: 'wall',
        singles: 16,
      });
      const stop = new AbortController();
      let killed = 0;
      const killing = (async () => {
        while (!stop.signal.aborted) {
          const clients = String(await valkey.client('LIST'));
          for (const [, id = ''] of clients.matchAll(/^id=(\d+) .*name=freshet-recorder/gm)) {
            killed += Number(await valkey.client('KILL', 'ID', id));
          }
          await sleep(Math.random() * 30);
        }
      })();
      let total = 0;
      const unanswered: EventInput[] = [];
      while (killed < 50 || engine.recordings.byRehearsal < 200) {
        const events = Array.from({ length: 20 }, () => pay({ userId: `user ${total++ % 50}`, paidAt: Date.now() }));
        const outcomes = await Promise.all(events.map((event) => engine.record(payment, [event])));
        for (const [i, [outcome]] of outcomes.entries()) {
          if (outcome?.status === 'UNAVAILABLE') unanswered.push(events[i] as EventInput);
          else expect(outcome?.status).toBe('RECORDED');
        }
      }
      stop.abort();
      await killing;
      for (const event of unanswered) {
        const [outcome] = await engine.record(payment, [event]);
        expect(['RECORDED', 'DUPLICATE']).toContain(outcome?.status);
      }
      const vectors = await engine.read(
        view,
        Array.from({ length: 50 }, (_, i) => `user ${i}`),
      );
      expect(vectors.reduce((all, vector) => all + Number(valuesOf(vector).count1h), 0)).toBe(total);
    } finally {
      valkey.disconnect();
      await server.destroy();
    }
  });
});

describe('a store that does not answer', () => {
  it('is asked no more for those who wait already', async () => {
    const server = await ThrowawayValkey.create();
    await server.start();
    const valkey = connect(singleAddress(server.url), { commandTimeoutMs: 500 });
    const begin = vi.spyOn(Lane.prototype, 'begin');
    const commit = vi.spyOn(Lane.prototype, 'commit');
    try {
      const engine = await Engine.open({
        servers: new SingleServer(valkey),
        views: [view],
        keyPrefix: 'frozen',
        clock: 'wall',
      });
      await engine.record(payment, [pay()]);
      server.freeze();
      begin.mockClear();
      commit.mockClear();
      const waiting = Array.from({ length: 500 }, (_, i) => engine.record(payment, [pay({ userId: `user ${i}` })]));
      const statuses = (await Promise.all(waiting)).map(([outcome]) => outcome?.status);
      expect(new Set(statuses)).toEqual(new Set(['UNAVAILABLE']));
      const followed = commit.mock.calls.filter(([next]) => next !== null);
      expect(begin.mock.calls.length + followed.length).toBeLessThanOrEqual(laneCount); // the rounds that were under way
    } finally {
      begin.mockRestore();
      commit.mockRestore();
      server.thaw();
      valkey.disconnect();
      await server.destroy();
    }
  });
});

describe('where a command that rehearsals need is not allowed', () => {
  it.each(['watch', 'unwatch', 'multi', 'exec'])('the store does it all: %s', async (command) => {
    const server = await ThrowawayValkey.create();
    await server.start();
    const admin = connect(singleAddress(server.url));
    await admin.call('ACL', 'SETUSER', 'limited', 'on', '>secret', '~*', '&*', '+@all', `-${command}`);
    const valkey = connect(singleAddress(server.url.replace('//', '//limited:secret@')));
    try {
      const engine = await Engine.open({
        servers: new SingleServer(valkey),
        views: [view],
        keyPrefix: 'limited',
        clock: 'event',
      });
      for (let nth = 1; nth <= 3; nth++) {
        const [outcome] = await engine.record(payment, [pay({ paidAt: start + nth })]);
        expect(outcome?.status).toBe('RECORDED');
        expect(valuesOf(outcome?.vectors.get(view) as Vector).count1h).toBe(nth);
      }
      expect(engine.recordings.byRehearsal).toBe(0);
    } finally {
      for (const one of [valkey, admin]) one.disconnect();
      await server.destroy();
    }
  });
});
