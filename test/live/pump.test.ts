import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { UnavailableError, type Vector } from '../../src/engine/index.ts';
import { Pump, type Watched } from '../../src/live/pump.ts';
import { payments } from './payments.ts';
import { vectorOf } from './vectors.ts';

interface Read {
  readonly at: number;
  readonly ids: string;
}

const reads: Read[] = [];
const delivered: string[] = [];
const failed: string[] = [];
const unreadable: string[] = [];
/** What comes of a read. */
let answer: (ids: readonly string[]) => Promise<(Vector | Error)[]>;
let pump: Pump<Watched>;

beforeEach(() => {
  vi.useFakeTimers();
  let moment = 0;
  for (const list of [reads, delivered, failed, unreadable]) list.length = 0;
  const begun = Date.now();
  pump = new Pump<Watched>(
    {
      readEach: (_view, ids) => {
        reads.push({ at: Date.now() - begun, ids: ids.join(' ') });
        return answer(ids);
      },
    },
    {
      now: () => ++moment,
      isDeaf: () => false,
      deliver: (batch) => delivered.push(...batch.map(({ watched }) => watched.id)),
      failed: (batch, error) => failed.push(`${batch.map(({ id }) => id).join(' ')}: ${(error as Error).message}`),
      unreadable: ({ id }, error) => unreadable.push(`${id}: ${error.message}`),
    },
  );
});

afterEach(async () => {
  pump.stop();
  const before = reads.length;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(reads).toHaveLength(before);
  vi.useRealTimers();
});

function entity(id: string): Watched & { watchers: { size: number } } {
  return { view: payments, id, watchers: { size: 1 }, lost: false, resync: false, lastRevision: 0 };
}

/** Reads all but those named, each of which has a fault of its own. */
const withFaultsIn =
  (...broken: readonly string[]) =>
  async (ids: readonly string[]) =>
    ids.map((id) => (broken.includes(id) ? new Error(`${id} is broken`) : vectorOf(id)));

const away = async (): Promise<never> => {
  throw new UnavailableError('away');
};

describe('a pump', () => {
  it('delivers all that could be read beside one that could not', async () => {
    answer = withFaultsIn('b');
    for (const id of ['a', 'b', 'c']) pump.mark(entity(id));
    await vi.advanceTimersByTimeAsync(0);
    expect(delivered).toEqual(['a', 'c']);
    expect(unreadable).toEqual(['b: b is broken']);
    expect(failed).toEqual([]);
  });

  it('tries one that fails by itself more and more rarely, however often it is marked, and others at once', async () => {
    answer = withFaultsIn('b');
    const [a, b] = [entity('a'), entity('b')];
    pump.mark(b);
    for (let ms = 0; ms < 60_000; ms += 10) {
      pump.mark(a);
      pump.mark(b);
      await vi.advanceTimersByTimeAsync(10);
    }
    expect(delivered).toHaveLength(6_000);
    const tries = reads.filter(({ ids }) => ids.includes('b')).map(({ at }) => at);
    const gaps = tries.slice(1).map((at, i) => at - (tries[i] as number));
    expect(gaps).toEqual([50, 100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000, 10_000, 10_000]);
  });

  it('begins anew with short pauses once it could be read', async () => {
    answer = withFaultsIn('b');
    const b = entity('b');
    pump.mark(b);
    await vi.advanceTimersByTimeAsync(1_000);
    answer = withFaultsIn();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(delivered).toEqual(['b']);
    answer = withFaultsIn('b');
    const before = reads.length;
    pump.mark(b);
    await vi.advanceTimersByTimeAsync(60);
    expect(reads).toHaveLength(before + 2);
  });

  it('reads one that fails at once for somebody new', async () => {
    answer = withFaultsIn('b');
    const b = entity('b');
    pump.mark(b);
    await vi.advanceTimersByTimeAsync(1_000);
    const before = reads.length;
    pump.mark(b);
    await vi.advanceTimersByTimeAsync(0);
    expect(reads).toHaveLength(before);
    pump.mark(b, { atOnce: true });
    await vi.advanceTimersByTimeAsync(0);
    expect(reads).toHaveLength(before + 1);
  });

  it('waits for nothing once nobody watches anything, and begins at once for who comes then', async () => {
    answer = away;
    const b = entity('b');
    pump.mark(b);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(vi.getTimerCount()).toBe(1);
    b.watchers.size = 0;
    pump.forget(b);
    await vi.advanceTimersByTimeAsync(0);
    expect(vi.getTimerCount()).toBe(0);
    answer = withFaultsIn();
    pump.mark(entity('c'));
    await vi.advanceTimersByTimeAsync(0);
    expect(delivered).toEqual(['c']);
  });

  it('never reads again what nobody watches any more, wherever its read is', async () => {
    const b = entity('b');
    const leave = () => {
      b.watchers.size = 0;
      pump.forget(b);
    };
    for (const outcome of [withFaultsIn('b'), away]) {
      // While it is read.
      const { promise, resolve } = Promise.withResolvers<void>();
      answer = (ids) => promise.then(() => outcome(ids));
      b.watchers.size = 1;
      pump.mark(b);
      await vi.advanceTimersByTimeAsync(0);
      leave();
      resolve();
      await vi.advanceTimersByTimeAsync(60_000);
      // While it waits to be read again.
      answer = outcome;
      b.watchers.size = 1;
      pump.mark(b);
      await vi.advanceTimersByTimeAsync(0);
      leave();
      await vi.advanceTimersByTimeAsync(60_000);
    }
    expect(reads).toHaveLength(4);
  });

  it('pauses with everything while Valkey is away, and loses nothing', async () => {
    answer = away;
    for (const id of ['a', 'b']) pump.mark(entity(id));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(reads.map(({ at }) => at)).toEqual([0, 50, 150, 350, 750, 1_550, 3_150, 5_150, 7_150, 9_150]);
    expect(new Set(reads.map(({ ids }) => ids))).toEqual(new Set(['a b']));
    answer = withFaultsIn();
    await vi.advanceTimersByTimeAsync(2_000);
    expect(delivered).toEqual(['a', 'b']);
  });

  it('asks for a refresh, and tells of a resync, until one succeeds', async () => {
    const b = entity('b');
    const refreshes: unknown[] = [];
    const resyncs: boolean[] = [];
    let broken = true;
    const keen = new Pump<Watched>(
      {
        readEach: async (_view, ids, options) => {
          refreshes.push(options?.refresh);
          return ids.map((id) => (broken ? new Error('broken') : vectorOf(id)));
        },
      },
      {
        now: () => 0,
        isDeaf: () => false,
        deliver: (batch) => resyncs.push(...batch.map(({ resync }) => resync)),
        failed: () => {},
        unreadable: () => {},
      },
    );
    b.lost = b.resync = true;
    keen.mark(b);
    await vi.advanceTimersByTimeAsync(0);
    broken = false;
    await vi.advanceTimersByTimeAsync(50);
    keen.mark(b);
    await vi.advanceTimersByTimeAsync(0);
    expect(refreshes).toEqual([true, true, false]);
    expect(resyncs).toEqual([true, false]);
    keen.stop();
  });
});
