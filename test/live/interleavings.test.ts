import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Vector } from '../../src/engine/index.ts';
import { Hub, type Update } from '../../src/live/index.ts';
import { isNewer } from '../../src/live/watcher.ts';
import { holdsFor, patienceMs } from '../support/property.ts';
import { payments } from './payments.ts';
import { SimulatedStore } from './simulated-store.ts';

const sweepMs = 1_000;
const runs = 2_000;
const mostSteps = 60;

/** Who watches, and what came. */
class Follower {
  readonly updates: Update[] = [];
  /** How many had come when the store lost what it had been given; null: it did not. */
  hadAtLoss: number | null = null;
  readonly #watch: ReturnType<Hub['watch']>;

  constructor(hub: Hub, id: string) {
    this.#watch = hub.watch(payments, [id]);
    void this.#follow();
  }

  get newest(): Vector | undefined {
    return this.updates.at(-1)?.vector;
  }

  async leave(): Promise<void> {
    await this.#watch.return?.();
  }

  async #follow(): Promise<void> {
    for await (const updates of this.#watch) this.updates.push(...updates);
  }
}

/** A hub before a simulated store, and who watches. */
class World {
  readonly store = new SimulatedStore();
  readonly hub = new Hub({ engine: this.store.engine, events: this.store.events, sweepMs });
  readonly followers: Follower[] = [];
  readonly gone: Follower[] = [];
  /** To which the store may fall back. */
  kept = this.store.stored;

  /** Of each follower, what came after what. */
  get given(): readonly (readonly [had: Vector, update: Update])[] {
    return [...this.followers, ...this.gone].flatMap(({ updates }) =>
      updates.slice(1).map((update, i) => [(updates[i] as Update).vector, update] as const),
    );
  }

  join(): void {
    this.followers.push(new Follower(this.hub, this.store.id));
  }

  async leave(which: number): Promise<void> {
    if (this.followers.length === 1) return;
    const [follower] = this.followers.splice(which % this.followers.length, 1) as [Follower];
    this.gone.push(follower);
    await follower.leave();
  }

  lose(): void {
    const { stored, isSilent } = this.store;
    if (!isSilent || this.kept.eventSeq === 0 || stored.eventSeq === this.kept.eventSeq) return;
    this.store.lose(this.kept);
    for (const follower of this.followers) {
      if (follower.newest && isNewer(this.kept, follower.newest)) follower.hadAtLoss = follower.updates.length;
    }
  }

  /** Lets all arrive that is on its way, and whatever comes of it. */
  async drain(): Promise<void> {
    await tick();
    while (!this.store.isIdle) {
      this.store.hear();
      this.store.serve();
      this.store.reply();
      this.store.tell(0);
      await tick();
    }
  }

  /** Has everything brought and looked for that can be. */
  async end(): Promise<void> {
    this.store.reconnect();
    for (let sweeps = 0; sweeps < 2; sweeps++) {
      await this.drain();
      sweep();
    }
    await this.drain();
  }
}

/** What may happen; a small number says which, or how many. */
const deeds = {
  join: (world: World) => world.join(),
  leave: (world: World, n: number) => world.leave(n),
  recordHere: ({ store }: World, n: number) => store.record('us', 1 + (n % 2), { changes: n < 4 }),
  recordElsewhere: ({ store }: World, n: number) => store.record('others', 1 + (n % 2), { changes: n < 4 }),
  tell: ({ store }: World, n: number) => store.tell(n),
  recordHereAndTell: async ({ store }: World, n: number) => {
    store.record('us', 1 + (n % 2), { changes: n < 4 });
    store.tell(0);
    await tick();
  },
  changeHereAndTell: async ({ store }: World, n: number) => {
    store.record('us', 1 + (n % 2), { changes: true });
    store.tell(0);
    await tick();
  },
  forget: ({ store }: World) => {
    if (!store.isSilent && !store.isCut) store.forget();
  },
  serve: ({ store }: World) => store.serve(),
  reply: ({ store }: World) => store.reply(),
  hear: ({ store }: World) => store.hear(),
  sweep,
  silence: async (world: World) => {
    if (world.store.isCut) return;
    await world.drain(); // what is heard late would seem to be of what is lost
    world.store.isSilent = true;
  },
  cut: ({ store }: World) => store.cut(),
  reconnect: ({ store }: World) => store.reconnect(),
  keep: (world: World) => {
    world.kept = world.store.stored;
  },
  lose: (world: World) => world.lose(),
} satisfies { readonly [name: string]: (world: World, n: number) => void | Promise<void> };

type Deed = keyof typeof deeds;

const always: readonly Deed[] = ['join', 'leave', 'hear', 'serve', 'serve', 'reply', 'reply', 'sweep'];
const recording: readonly Deed[] = ['recordHere', 'recordElsewhere', 'tell', 'tell', 'forget'];

/** Whatever is done, and in whichever order: all end with the newest, nobody's goes back, and the check holds. */
function afterAny(possible: readonly Deed[], check: (world: World) => void): Promise<void> {
  const steps = fc.array(fc.tuple(fc.constantFrom(...possible), fc.nat(5)), { maxLength: mostSteps, size: 'max' });
  return holdsFor(steps, runs, async (taken) => {
    const world = new World();
    try {
      world.join();
      await world.drain();
      for (const [deed, n] of taken) {
        await deeds[deed](world, n);
        await tick();
      }
      await world.end();
      for (const { newest } of world.followers) expect(newest && !isNewer(newest, world.store.stored)).toBe(true);
      for (const [had, { vector }] of world.given) expect(vector.revision).toBeGreaterThan(had.revision);
      check(world);
    } finally {
      world.hub.close();
    }
  });
}

function tick(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function sweep(): void {
  vi.advanceTimersByTime(sweepMs);
}

function expectNoGap({ given }: World): void {
  for (const [, { cause }] of given) expect(cause).not.toBe('RESYNC');
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});

afterEach(() => {
  vi.useRealTimers();
});

describe('in whichever order joins, reads, answers and notifications cross', { timeout: patienceMs }, () => {
  it('nobody is told of a gap where all is heard', () => afterAny([...always, ...recording, 'hear'], expectNoGap));

  it('nobody is told of a gap where nothing is heard, but all was recorded here', () =>
    afterAny([...always, 'silence', 'recordHereAndTell', 'recordHereAndTell'], expectNoGap));

  it('whoever is given what others recorded, and nothing was heard of, is told of a gap', () =>
    afterAny([...always, ...recording, 'silence', 'cut', 'reconnect'], ({ store, given }) => {
      for (const [had, { vector, cause }] of given) if (store.hides(had, vector)) expect(cause).toBe('RESYNC');
    }));

  it('whoever has what the store lost is told of a gap, though as much was recorded here since', () =>
    afterAny([...always, 'silence', 'silence', 'changeHereAndTell', 'changeHereAndTell', 'keep', 'lose'], (world) => {
      for (const { updates, hadAtLoss } of world.followers) {
        if (hadAtLoss !== null) expect(updates.slice(hadAtLoss).map(({ cause }) => cause)).toContain('RESYNC');
      }
    }));
});
