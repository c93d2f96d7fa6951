import { randomUUID } from 'node:crypto';
import type { Redis } from 'iovalkey';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { Engine, InvalidIdError } from '../../src/engine/index.ts';
import { Hub, type Update } from '../../src/live/index.ts';
import { connect, connectSubscriber, KeyspaceEvents, SingleServer } from '../../src/valkey/index.ts';
import { singleAddress } from '../support/single-address.ts';
import { until } from '../support/until.ts';
import { payment, payments } from './payments.ts';

const address = singleAddress(inject('valkeyUrl'));
const keyPrefix = `hub-${randomUUID()}`;

let valkey: Redis;
let subscriber: Redis;
let events: KeyspaceEvents;
let engine: Engine;
/** Another process's. */
let elsewhere: Engine;
let connection: Redis;
/** The one of these two that records. */
let recorder: Engine;
let hub: Hub;

beforeAll(async () => {
  [valkey, connection] = [connect(address), connect(address)];
  subscriber = connectSubscriber(address);
  engine = await Engine.open({ servers: new SingleServer(valkey), views: [payments], keyPrefix, clock: 'wall' });
  elsewhere = await Engine.open({ servers: new SingleServer(connection), views: [payments], keyPrefix, clock: 'wall' });
  events = await KeyspaceEvents.open({ valkey, subscriber, keyPrefix });
  hub = new Hub({ engine, events });
});

afterAll(() => {
  hub?.close();
  events?.close();
  valkey?.disconnect();
  connection?.disconnect();
});

const open: AsyncIterator<readonly Update[]>[] = [];

/** A watch that ends with its test at the latest. */
function watchOf(...what: Parameters<Hub['watch']>): ReturnType<Hub['watch']> {
  const watch = hub.watch(...what);
  open.push(watch);
  return watch;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((watch) => watch.return?.()));
  expect(hub.load).toEqual({ entities: 0, subscriptions: 0 });
});

const newPayer = () => `payer-${randomUUID()}`;

async function pay(payer: string, amount = 1): Promise<void> {
  const [outcome] = await recorder.record(payment, [{ paymentId: randomUUID(), payer, amount, at: null }]);
  expect(outcome?.status).toBe('RECORDED');
}

async function take(watch: AsyncIterator<readonly Update[]>): Promise<readonly Update[]> {
  const { done, value } = await watch.next();
  if (done) throw new Error('the watch has ended');
  return value;
}

function shown(updates: readonly Update[]): string[] {
  return updates.map(({ cause, vector }) => `${cause} ${vector.id} ${vector.values.join(' ')}`);
}

/** How many connections are subscribed to the changes of a payer. */
async function listeners(payer: string): Promise<number> {
  const channel = `__keyspace@${address.db}__:${engine.keys.hash(payments, payer)}`;
  const [, count] = (await valkey.pubsub('NUMSUB', channel)) as [string, number];
  return count;
}

describe.each(['where it is watched', 'elsewhere'])('of what is recorded %s', (where) => {
  beforeAll(() => {
    recorder = where === 'elsewhere' ? elsewhere : engine;
  });

  describe('a watch', () => {
    it('begins with a snapshot of each entity, once, also of those nobody knows', async () => {
      const [a, b] = [newPayer(), newPayer()];
      await pay(a, 5);
      const watch = watchOf(payments, [a, b, a]);
      expect(shown(await take(watch))).toEqual([`SNAPSHOT ${a} 1 5`, `SNAPSHOT ${b} 0 0`]);
    });

    it('brings what is recorded, as it is recorded', async () => {
      const payer = newPayer();
      const watch = watchOf(payments, [payer]);
      await take(watch);
      for (const nth of [1, 2, 3]) {
        await pay(payer, 10);
        expect(shown(await take(watch))).toEqual([`EVENT ${payer} ${nth} ${nth * 10}`]);
      }
    });

    it('shows in its snapshot whatever was recorded before, though a read is under way for others', async () => {
      const payer = newPayer();
      const first = watchOf(payments, [payer]);
      await take(first);
      for (let nth = 1; nth <= 50; nth++) {
        await pay(payer);
        const watch = watchOf(payments, [payer]);
        expect(shown(await take(watch))).toEqual([`SNAPSHOT ${payer} ${nth} ${nth}`]);
        await watch.return?.();
      }
    });

    it('is given nothing that was read before it began', async () => {
      const payer = newPayer();
      const early = watchOf(payments, [payer]);
      await take(early);
      const read = engine.readEach;
      const answer = Promise.withResolvers<void>();
      let answered = false;
      // Its first answer is from before the second payment, and comes after it.
      engine.readEach = async (...args: Parameters<typeof read>) => {
        engine.readEach = read;
        const vectors = await read.apply(engine, args);
        answered = true;
        await answer.promise;
        return vectors;
      };
      await pay(payer);
      await until(() => answered);
      await pay(payer);
      const late = watchOf(payments, [payer]);
      const first = take(late);
      // Its key is subscribed already: after this turn all it waits for is a read.
      await new Promise((resolve) => setImmediate(resolve));
      answer.resolve();
      expect(shown(await first)).toEqual([`SNAPSHOT ${payer} 2 2`]);
    });

    it('gives a slow client the newest of each entity, not a queue', async () => {
      const [a, b] = [newPayer(), newPayer()];
      const slow = watchOf(payments, [a, b]);
      const quick = watchOf(payments, [a, b]);
      await Promise.all([take(slow), take(quick)]);
      const seen = new Map<string, number>();
      for (let nth = 1; nth <= 20; nth++) await Promise.all([pay(a), pay(b)]);
      while (seen.get(a) !== 20 || seen.get(b) !== 20) {
        for (const { vector } of await take(quick)) seen.set(vector.id, vector.values[0] ?? 0);
      }
      expect(shown(await take(slow)).sort()).toEqual([`EVENT ${a} 20 20`, `EVENT ${b} 20 20`].sort());
    });

    it('puts the served hash back when it is deleted, and says nothing, since nothing changed', async () => {
      const payer = newPayer();
      await pay(payer);
      const watch = watchOf(payments, [payer]);
      await take(watch);
      const key = engine.keys.hash(payments, payer);
      await valkey.del(key);
      await until(async () => (await valkey.hget(key, 'count_1h')) === '1');
      await pay(payer);
      expect(shown(await take(watch))).toEqual([`EVENT ${payer} 2 2`]);
    });

    it('says so when an entity is forgotten altogether', async () => {
      const payer = newPayer();
      await pay(payer);
      const watch = watchOf(payments, [payer]);
      await take(watch);
      const keys = await valkey.keys(`${keyPrefix}:*{${payer}}*`);
      await valkey.del(...keys);
      expect(shown(await take(watch))).toEqual([`DECAY ${payer} 0 0`]);
      await pay(payer);
      expect(shown(await take(watch))).toEqual([`EVENT ${payer} 1 1`]);
    });

    it('says that events happened when an entity was forgotten and came to the same count', async () => {
      const payer = newPayer();
      await pay(payer);
      const watch = watchOf(payments, [payer]);
      await take(watch);
      const read = engine.readEach;
      const both = Promise.withResolvers<void>();
      // It is read only after both.
      engine.readEach = async (...args: Parameters<typeof read>) => {
        await both.promise;
        return read.apply(engine, args);
      };
      await valkey.del(...(await valkey.keys(`${keyPrefix}:*{${payer}}*`)));
      // At another millisecond than the first, however quick we are.
      const again = { paymentId: randomUUID(), payer, amount: 7, at: Date.now() - 1_000 };
      await recorder.record(payment, [again]);
      engine.readEach = read;
      both.resolve();
      expect(shown(await take(watch))).toEqual([`EVENT ${payer} 1 7`]);
    });

    it('takes what changed while nothing could be heard from a new read', async () => {
      const [quiet, busy] = [newPayer(), newPayer()];
      const watch = watchOf(payments, [quiet, busy]);
      await take(watch);
      subscriber.disconnect(true);
      await until(() => events.problem);
      await pay(busy, 7);
      expect(shown(await take(watch))).toEqual([`RESYNC ${busy} 1 7`]);
      expect(events.problem).toBeNull();
      await pay(quiet);
      expect(shown(await take(watch))).toEqual([`EVENT ${quiet} 1 1`]);
    });

    it('ends at once, and leaves nothing behind', async () => {
      const payer = newPayer();
      const watch = watchOf(payments, [payer]);
      await take(watch);
      expect(await listeners(payer)).toBe(1);
      const pending = watch.next();
      expect(await watch.return?.()).toEqual({ done: true, value: undefined });
      expect(await pending).toEqual({ done: true, value: undefined });
      expect(await watch.next()).toEqual({ done: true, value: undefined });
      await until(async () => (await listeners(payer)) === 0);
      expect(hub.load).toEqual({ entities: 0, subscriptions: 0 });
    });

    it('costs nothing before it is first asked, and may end before that', async () => {
      const watch = watchOf(payments, [newPayer()]);
      expect(hub.load.subscriptions).toBe(0);
      await watch.return?.();
      expect(await watch.next()).toEqual({ done: true, value: undefined });
    });

    it('may end before its first message', async () => {
      const payer = newPayer();
      const watch = watchOf(payments, [payer]);
      const pending = watch.next();
      await watch.return?.();
      expect(await pending).toEqual({ done: true, value: undefined });
      await until(async () => (await listeners(payer)) === 0);
    });

    it('goes on when another of the same entity ends', async () => {
      const payer = newPayer();
      const [one, other] = [watchOf(payments, [payer]), watchOf(payments, [payer])];
      await Promise.all([take(one), take(other)]);
      await one.return?.();
      await pay(payer);
      expect(shown(await take(other))).toEqual([`EVENT ${payer} 1 1`]);
    });

    it('hears everything though the last other one ends at the moment it begins', async () => {
      const payer = newPayer();
      let watch = watchOf(payments, [payer]);
      await take(watch);
      for (let nth = 1; nth <= 50; nth++) {
        const next = watchOf(payments, [payer]);
        // Either order, in the same tick.
        const first = nth % 2 === 0 ? next.next() : null;
        void watch.return?.();
        expect((await (first ?? next.next())).done).toBe(false);
        await pay(payer);
        expect(shown(await take(next))).toEqual([`EVENT ${payer} ${nth} ${nth}`]);
        watch = next;
      }
    });

    it('of an id outside the rules fails by itself', async () => {
      const payer = newPayer();
      const good = watchOf(payments, [payer]);
      await take(good);
      await expect(watchOf(payments, [payer, '']).next()).rejects.toBeInstanceOf(InvalidIdError);
      await pay(payer);
      expect(shown(await take(good))).toEqual([`EVENT ${payer} 1 1`]);
    });

    it('is not held up by an entity that cannot be read, which comes back once it can', async () => {
      const [broken, whole] = [newPayer(), newPayer()];
      await pay(broken);
      const watch = watchOf(payments, [broken, whole]);
      await take(watch);
      const log = engine.keys.log(payments, broken);
      await valkey.multi().del(log).rpush(log, 'nonsense').hset(engine.keys.hash(payments, broken), 'x', 1).exec();
      for (let nth = 1; nth <= 20; nth++) {
        await pay(whole);
        expect(shown(await take(watch))).toEqual([`EVENT ${whole} ${nth} ${nth}`]);
      }
      const late = watchOf(payments, [whole, broken]);
      expect(shown(await take(late))).toEqual([`SNAPSHOT ${whole} 20 20`]);
      expect(late.unreadable.get(broken)?.message).toContain('WRONGTYPE');
      await expect(watchOf(payments, [broken]).next()).rejects.toThrow('WRONGTYPE');
      await valkey.del(log);
      expect(shown(await take(watch))).toEqual([`DECAY ${broken} 0 0`]);
      expect(shown(await take(late))).toEqual([`SNAPSHOT ${broken} 0 0`]);
      expect(late.unreadable.size).toBe(0);
    });

    it('of nobody ends', async () => {
      expect(await watchOf(payments, []).next()).toEqual({ done: true, value: undefined });
    });
  });

  describe('many watches of much that changes', () => {
    it('never go back, and after silence show what the store holds', async () => {
      const payers = Array.from({ length: 20 }, newPayer);
      const last = Array.from({ length: 30 }, () => new Map<string, number>());
      const watches = last.map((_, i) =>
        watchOf(
          payments,
          payers.filter((_payer, p) => (p + i) % 3 > 0),
        ),
      );
      const loops = watches.map(async (watch, i) => {
        for await (const updates of watch) {
          for (const { vector } of updates) {
            expect(vector.revision).toBeGreaterThan(last[i]?.get(vector.id) ?? -1);
            last[i]?.set(vector.id, vector.revision);
          }
        }
      });
      await Promise.all(
        Array.from({ length: 10 }, async (_, worker) => {
          for (let n = 0; n < 60; n++) {
            await pay(payers[(worker * 7 + n * n) % payers.length] as string);
            if (worker === 0 && n === 30) subscriber.disconnect(true);
          }
        }),
      );
      const stored = new Map((await engine.read(payments, payers)).map(({ id, revision }) => [id, revision]));
      await until(() => last.every((seen) => [...seen].every(([id, revision]) => stored.get(id) === revision)));
      expect(last.every(({ size }) => size > 0)).toBe(true);
      await Promise.all(watches.map((watch) => watch.return?.()));
      await Promise.all(loops);
      expect(hub.load).toEqual({ entities: 0, subscriptions: 0 });
    });
  });
});

describe('a hub that closes', () => {
  it('ends every watch, those that begin later too', async () => {
    const own = connectSubscriber(address);
    const ears = await KeyspaceEvents.open({ valkey, subscriber: own, keyPrefix });
    const closing = new Hub({ engine, events: ears });
    const watches = [closing.watch(payments, [newPayer()]), closing.watch(payments, [newPayer()])];
    await Promise.all(watches.map((watch) => watch.next()));
    const pending = watches.map((watch) => watch.next());
    closing.close();
    expect(await Promise.all(pending)).toEqual(Array(2).fill({ done: true, value: undefined }));
    expect(await closing.watch(payments, [newPayer()]).next()).toEqual({ done: true, value: undefined });
    ears.close();
  });
});
