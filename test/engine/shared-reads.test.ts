import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { count } from '../../src/define/index.ts';
import { Engine, LogFaultError, UnavailableError } from '../../src/engine/index.ts';
import { connect, SingleServer } from '../../src/valkey/index.ts';
import { singleAddress } from '../support/single-address.ts';
import { ThrowawayValkey } from '../support/throwaway-valkey.ts';
import { pay, payment, spending, takings } from './payments.ts';

const spent = spending({ count24h: count({ window: '24h' }) }, 'shared');

let store: ThrowawayValkey;
let valkey: ReturnType<typeof connect>;
let engine: Engine;

beforeAll(async () => {
  store = await ThrowawayValkey.create();
  await store.start();
  valkey = connect(singleAddress(store.url));
  engine = await Engine.open({
    servers: new SingleServer(valkey),
    views: [spent, takings],
    keyPrefix: 'shared',
    clock: 'wall',
    // None is cut short, and has a second.
    microsPerCall: 1_000_000,
  });
});

afterAll(async () => {
  valkey?.disconnect();
  await store?.destroy();
});

/** How many function calls the store was asked for during work. */
async function callsDuring(work: () => Promise<unknown>): Promise<number> {
  await valkey.call('CONFIG', 'RESETSTAT');
  await work();
  const told = await valkey.info('commandstats');
  return [...told.matchAll(/cmdstat_fcall(?:_ro)?:calls=(\d+)/g)].reduce((sum, [, calls]) => sum + Number(calls), 0);
}

const ids = (length: number, name: string) => Array.from({ length }, (_, i) => `${name}${i}`);

describe('reads that are wanted in one turn of the event loop', () => {
  it('are one call of each view, whoever wants them', async () => {
    const users = () => Promise.all(ids(50, 'u').map((id) => engine.read(spent, [id, 'u0'])));
    const shops = () => engine.readEach(takings, ids(3, 's'));
    expect(await callsDuring(users)).toBe(1);
    expect(await callsDuring(async () => Promise.all([users(), users(), shops(), shops()]))).toBe(2);
    expect(
      await callsDuring(async () => {
        await users();
        await users();
      }),
    ).toBe(2);
  });

  it('bring each its own, in the order asked, and ask for each id once', async () => {
    const events = [1, 2, 3].flatMap((n) => Array.from({ length: n }, () => pay({ userId: `n${n}` })));
    await engine.record(payment, events);
    const [one, other] = await Promise.all([
      engine.readPacked(spent, ['n3', 'n1', 'n3']),
      engine.readPacked(spent, ['n2', 'n3', 'nobody']),
    ]);
    expect(one.batch).toBe(other.batch);
    expect(one.batch.ids).toEqual(['n3', 'n1', 'n2', 'nobody']);
    const counts = ({ batch, places }: typeof one) => places.map((place) => batch.doubles[batch.valuesAt(place)]);
    expect(counts(one)).toEqual([3, 1, 3]);
    expect(counts(other)).toEqual([2, 3, 0]);
  });

  it('fail alone, where what is stored of an id cannot be used', async () => {
    await valkey.set(engine.keys.log(spent, 'broken'), 'no log');
    const read = async () => {
      const [whole, part, each] = await Promise.allSettled([
        engine.read(spent, ['u1', 'u2']),
        engine.read(spent, ['u1', 'broken']),
        engine.readEach(spent, ['broken', 'u1']),
      ]);
      expect(whole).toMatchObject({ status: 'fulfilled', value: [{ id: 'u1' }, { id: 'u2' }] });
      expect(part).toMatchObject({ status: 'rejected', reason: expect.any(LogFaultError) });
      expect(each).toMatchObject({ status: 'fulfilled', value: [expect.any(LogFaultError), { id: 'u1' }] });
    };
    expect(await callsDuring(read)).toBe(1);
  });

  it('are several calls where they are many, so that few are not kept waiting for all', async () => {
    const together = (...sizes: readonly number[]) =>
      callsDuring(() => Promise.all(sizes.map((size, i) => engine.readEach(spent, ids(size, `m${i}-`)))));
    expect(await together(256, 256)).toBe(1);
    expect(await together(256, 256, 1)).toBe(2);
    expect(await together(300, 300, 300)).toBe(3);
  });
});

describe('a read', () => {
  it('that begins once a recording was acknowledged sees it, whatever else is read meanwhile', async () => {
    let isOver = false;
    let readings = 0;
    // At every turn another, so that one is always under way.
    const busy = (async () => {
      const open: Promise<unknown>[] = [];
      while (!isOver) {
        open.push(engine.read(spent, ['seen']));
        readings++;
        await turn();
      }
      await Promise.all(open);
    })();
    for (let recorded = 1; recorded <= 200; recorded++) {
      await engine.record(payment, [pay({ userId: 'seen' })]);
      const [vector] = await engine.read(spent, ['seen']);
      expect(vector?.values[0]).toBe(recorded);
    }
    isOver = true;
    await busy;
    expect(readings).toBeGreaterThan(200);
  });
});

describe('a store that is gone', () => {
  it('fails each who asks, and serves whoever asks once it is back', async () => {
    await store.stop();
    const asked = await Promise.allSettled(ids(20, 'u').map((id) => engine.read(spent, [id])));
    expect(asked.map((one) => one.status === 'rejected' && one.reason instanceof UnavailableError)).toEqual(
      Array.from({ length: 20 }, () => true),
    );
    await store.start();
    await expect.poll(() => engine.read(spent, ['u1']).catch(() => null), { timeout: 20_000 }).not.toBeNull();
    expect((await engine.read(spent, ['u1']))[0]?.id).toBe('u1');
  });
});
