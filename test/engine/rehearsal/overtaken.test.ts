import { afterAll, afterEach, describe, expect, inject, it, vi } from 'vitest';
import { count, distinct, min, sum } from '../../../src/define/index.ts';
import type { Engine } from '../../../src/engine/index.ts';
import { Round } from '../../../src/engine/rehearsal/round.ts';
import { connect } from '../../../src/valkey/index.ts';
import { Relay } from '../../support/relay.ts';
import { singleAddress } from '../../support/single-address.ts';
import { until } from '../../support/until.ts';
import { valuesOf } from '../expectations.ts';
import { pay, payment, spending } from '../payments.ts';
import { useScratch } from '../scratch.ts';

const scratch = useScratch();
const elsewhere = connect(singleAddress(inject('valkeyUrl')), { commandTimeoutMs: 20_000 });
afterAll(() => elsewhere.quit());
afterEach(() => {
  vi.restoreAllMocks();
});

const features = {
  count1h: count({ window: '1h' }),
  sum24h: sum('amount', { window: '24h' }),
  shops6h: distinct('shopId', { window: '6h' }),
};
const view = spending(features, 'overtaken');
const start = Date.UTC(2024, 0, 1);
const all = (userIds: readonly string[], paidAt?: number) => userIds.map((userId) => pay({ userId, paidAt }));
const namesOf = (count: number) => Array.from({ length: count }, (_, i) => `user ${i}`);

/** Has something be done whenever a round was rehearsed, before it is committed. */
function beforeEachCommit(doIt: () => Promise<unknown>): void {
  const { rehearse } = Round.prototype;
  vi.spyOn(Round.prototype, 'rehearse').mockImplementation(async function (this: Round, ...args) {
    const jobs = await rehearse.apply(this, args);
    await doIt();
    return jobs;
  });
}

describe('a round that is overtaken', () => {
  const open = (limits = {}) =>
    scratch.open([view], 'event', scratch.prefix(), scratch.valkey, { rehearses: true, ...limits });

  it('is tried again a few times where nothing has changed of what it needs, and then the store does it', async () => {
    const engine = await open();
    await engine.record(payment, all(['ada', 'bob'], start));
    beforeEachCommit(() => elsewhere.hset(engine.keys.hash(view, 'ada'), 'touched', 1));
    const outcomes = await engine.record(payment, all(['ada', 'bob'], start + 1));
    expect(outcomes.map(({ status }) => status)).toEqual(['RECORDED', 'RECORDED']);
    expect(engine.recordings).toEqual({ byRehearsal: 0, byStore: 2 + 2, overtaken: 3 });
  });

  it('leaves to the store the log in which somebody else writes, and that alone', async () => {
    const engine = await open();
    const other = await scratch.open([view], 'event', engine.keys.prefix, elsewhere, { rehearses: false });
    await engine.record(payment, all(['ada', 'bob'], start));
    let rounds = 0;
    beforeEachCommit(async () => {
      rounds += 1;
      if (rounds === 1) await other.record(payment, all(['ada'], start + 1));
    });
    await engine.record(payment, all(['ada', 'bob'], start + 10));
    expect(engine.recordings).toEqual({ byRehearsal: 1, byStore: 2 + 1, overtaken: 1 });
  });

  it('answers those at once of whom nothing was to be written by it', async () => {
    const engine = await open();
    await engine.record(payment, all(['ada', 'bob'], start));
    await elsewhere.del(engine.keys.hash(view, 'bob'));
    beforeEachCommit(() => elsewhere.hset(engine.keys.hash(view, 'ada'), 'touched', 1));
    const outcomes = await engine.record(payment, all(['ada', 'bob'], start + 1));
    expect(outcomes.map(({ vectors }) => vectors.get(view)?.eventSeq)).toEqual([2, 2]);
  });

  it.each([
    ['at once, where the log is known', true],
    ['later', false],
  ])('is so by what happens to a companion that is asked for %s', async (_, isKnown) => {
    const known = await open({ singles: 8 });
    const { prefix } = known.keys;
    for (let nth = 0; nth < 60; nth++)
      await known.record(payment, [pay({ paidAt: start + nth, shopId: `shop ${nth % 30}` })]);
    const keys = (await scratch.keys(prefix)).filter((key) => /:(ids|seen):/.test(key));
    expect(keys.length).toBe(2);
    for (const [i, key] of keys.entries()) {
      const limits = { singles: 8, rehearses: true };
      const engine = isKnown ? known : await scratch.open([view], 'event', prefix, scratch.valkey, limits);
      const { overtaken } = engine.recordings;
      vi.restoreAllMocks();
      let isTouched = false;
      beforeEachCommit(async () => {
        if (!isTouched) await elsewhere.pexpire(key, 1_000_000);
        isTouched = true;
      });
      await engine.record(payment, all(['ada'], start + 100 + i));
      expect(engine.recordings.overtaken).toBe(overtaken + 1);
    }
  });

  it('is none of those that follow it in one text, which see what others write meanwhile', async () => {
    const prefix = scratch.prefix();
    const engines = await Promise.all(
      [scratch.valkey, elsewhere].map((valkey) => scratch.open([view], 'wall', prefix, valkey, { rehearses: true })),
    );
    const users = namesOf(40);
    let each = 0;
    await until(async () => {
      each += 6;
      const calls = Array.from({ length: 3 }, () => engines.map((engine) => engine.record(payment, all(users)))).flat();
      const outcomes = (await Promise.all(calls)).flat();
      expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(['RECORDED']));
      return engines.every(({ recordings: { overtaken } }) => overtaken > 30);
    });
    const vectors = await (engines[0] as Engine).read(view, users);
    expect(new Set(vectors.map((vector) => valuesOf(vector).count1h))).toEqual(new Set([each]));
  });
});

describe('engines that share their connections for recording', () => {
  it('have them in turn: who has much to do keeps nobody waiting until all of it is done', async () => {
    const prefixes = [scratch.prefix(), scratch.prefix()];
    const [busy, other] = (await Promise.all(
      prefixes.map((prefix) => scratch.open([view], 'event', prefix, elsewhere, { rehearses: true })),
    )) as [Engine, Engine];
    const users = namesOf(600);
    await busy.record(payment, all(users, start));
    await other.record(payment, all(['ada'], start));
    const much = Array.from({ length: 5 }, (_, i) => busy.record(payment, all(users, start + 1 + i)));
    await other.record(payment, all(['ada'], start + 1));
    expect(busy.recordings.byRehearsal).toBeLessThan((5 * users.length) / 2);
    await Promise.all(much);
    expect(busy.recordings.byRehearsal).toBe(5 * users.length);
  });
});

describe('a log of another layout', () => {
  it('is for the store once, and rehearsed from then on, as are those beside it', async () => {
    const prefix = scratch.prefix();
    const limits = { singles: 24, rehearses: true };
    const few = spending(features, 'grown');
    const more = spending({ ...features, min6h: min('amount', { window: '6h' }) }, 'grown');
    const users = namesOf(20);
    let at = start;
    const recordAll = (engine: Engine, whom: readonly string[]) => {
      at += 30_000;
      const events = whom.map((userId, i) => pay({ userId, paidAt: at, amount: 7.25 + i, shopId: `s${at % 7_919}` }));
      return engine.record(payment, events);
    };
    const before = await scratch.open([few], 'event', prefix, scratch.valkey, limits);
    for (let nth = 0; nth < 60; nth++) await recordAll(before, users);
    const engine = await scratch.open([more], 'event', prefix, scratch.valkey, limits);
    for (let nth = 0; nth < 3; nth++) await recordAll(engine, ['new']);
    for (let nth = 0; nth < 5; nth++) await recordAll(engine, ['new', ...users]);
    expect(engine.recordings).toEqual({
      byRehearsal: 2 + 5 + 4 * users.length,
      byStore: 1 + users.length,
      overtaken: 0,
    });
  });
});

describe('a companion that cannot be read', () => {
  it('costs its own log what it costs, and those in its round nothing', async () => {
    const engine = await scratch.open([view], 'event', scratch.prefix(), scratch.valkey, {
      singles: 8,
      rehearses: true,
    });
    const users = namesOf(5);
    for (let nth = 0; nth < 40; nth++) await engine.record(payment, all(users, start + nth));
    const ids = (await scratch.keys(engine.keys.prefix)).find((key) => key.includes(':ids:')) as string;
    await elsewhere.del(ids);
    await elsewhere.hset(ids, 'of another', 'type');
    const before = { ...engine.recordings };
    for (let nth = 0; nth < 10; nth++) {
      const outcomes = await engine.record(payment, all(users, start + 100 + nth));
      expect(outcomes.filter(({ status }) => status === 'RECORDED').length).toBeGreaterThanOrEqual(4);
    }
    expect(engine.recordings.byRehearsal).toBeGreaterThanOrEqual(before.byRehearsal + 10 * 4);
  });
});

describe('one of the connections for recording that falls silent', () => {
  it('keeps only those waiting whose events went by it', async () => {
    let isNextSilent = false;
    await using relay = await Relay.before(inject('valkeyUrl'), () => {
      let [isRecorder, isSilent] = [false, false];
      const toServer = (chunk: Buffer) => {
        isRecorder ||= chunk.includes('freshet-recorder');
        isSilent ||= isNextSilent && isRecorder;
        if (isSilent) isNextSilent = false;
        return isSilent ? chunk.subarray(0, 0) : chunk;
      };
      return { toServer };
    });
    const valkey = connect(singleAddress(relay.url), { commandTimeoutMs: 3_000 });
    try {
      const engine = await scratch.open([view], 'event', scratch.prefix(), valkey, { rehearses: true });
      // So many that all the connections are made.
      for (let nth = 0; nth < 3; nth++) await engine.record(payment, all(namesOf(200), start + nth));
      isNextSilent = true;
      let answered = 0;
      for (const user of namesOf(20)) {
        void engine.record(payment, all([user], start + 3)).then(() => {
          answered += 1;
        });
      }
      await until(() => answered === 19);
      // Others go on while that one is given up.
      let at = start + 3;
      const statuses = new Set<string | undefined>();
      const goOn = async (user: string) => {
        while (answered < 20) {
          at += 1;
          const [outcome] = await engine.record(payment, all([user], at));
          statuses.add(outcome?.status);
        }
      };
      await Promise.all(namesOf(20).slice(1).map(goOn));
      expect(statuses).toEqual(new Set(['RECORDED']));
    } finally {
      valkey.disconnect();
    }
  });
});
