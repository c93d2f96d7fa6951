import { describe, expect, onTestFinished, test } from 'vitest';
import type { Clock, Engine } from '../../src/engine/index.ts';
import { holdsFor, patienceMs } from '../support/property.ts';
import { roomForAll, roomForFew, type Script, scriptFor } from '../support/scripts.ts';
import { ThrowawayValkey } from '../support/throwaway-valkey.ts';
import { expectTheLaw } from './compaction-law.ts';
import { Observer } from './observer.ts';
import { Player } from './player.ts';
import { Scratch, useScratch } from './scratch.ts';

const scratch = useScratch();

/**
 * Plays a script to the end, and looks at all of it after each turn. Returns whether a value of which only a sample was kept
 * was where it was said to be, if there was one.
 */
async function play(
  script: Script,
  clock: Clock,
  isExact: boolean,
  where: Scratch = scratch,
): Promise<boolean | undefined> {
  let isWithin: boolean | undefined;
  const use = async (engine: Engine) => {
    const player = new Player(where, script, engine, isExact);
    const observer = new Observer(where, player);
    await player.begin();
    for (const turn of script.turns) await observer.look(await player.play(turn));
    await observer.lookBack();
    isWithin = [...observer.sampled.values()].at(0);
    if (!isExact && clock === 'event') await expectTheLaw(where, player);
  };
  await where.lend(script.views, clock, use, script.limits);
  return isWithin;
}

/** A scratch on a Valkey of its own: what others do to some keys, it does to all, by starting the server anew. */
class RestartingScratch extends Scratch {
  readonly #server: ThrowawayValkey;

  constructor(server: ThrowawayValkey) {
    super(server.url);
    this.#server = server;
  }

  override async reload(): Promise<void> {
    await this.#server.stop();
    await this.#server.start();
  }
}

describe('events, labels, retractions, oblivion, time and restarts, in whatever order', { timeout: patienceMs }, () => {
  test.each([
    ['event', 30],
    ['wall', 15],
  ] as const)('leave every vector exactly true while all is kept, under the %s clock', async (clock, runs) => {
    await holdsFor(scriptFor(3, roomForAll), runs, async (script) => void (await play(script, clock, true)));
  });

  test.each([
    ['event', 70],
    ['wall', 20],
  ] as const)(
    'leave the truth within what is said where much is put together, under the %s clock',
    async (clock, runs) => {
      let [cases, misses] = [0, 0];
      await holdsFor(scriptFor(1, roomForFew), runs, async (script) => {
        const isWithin = await play(script, clock, false);
        if (isWithin !== undefined) cases += 1;
        if (isWithin === false) misses += 1;
      });
      // Of samples, 99 of 100 say what is true; by chance there may be some more misses than are due, but hardly so many.
      const due = 0.01 * cases;
      expect(misses).toBeLessThanOrEqual(2 + due + 5 * Math.sqrt(due));
    },
  );

  test('do so also where Valkey itself ends and starts again', async () => {
    const server = await ThrowawayValkey.create();
    onTestFinished(() => server.destroy());
    await server.start();
    const where = new RestartingScratch(server);
    onTestFinished(() => where.close());
    const restarting = scriptFor(1, roomForFew).filter(({ turns }) =>
      turns.some((turn) => turn.does === 'restart' && turn.after === 'reload'),
    );
    await holdsFor(restarting, 2, async (script) => void (await play(script, 'event', false, where)));
  });
});
