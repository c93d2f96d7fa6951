import { describe, expect, it } from 'vitest';
import type { Vector } from '../../src/engine/index.ts';
import { LiveCounts, type Update } from '../../src/live/index.ts';
import { Watcher } from '../../src/live/watcher.ts';
import { payments } from './payments.ts';
import { vectorOf } from './vectors.ts';

/** What a watcher of one entity makes of vectors that are read one after the other: `cause revision` of those it sends. */
async function sent(...read: readonly Partial<Vector>[]): Promise<string[]> {
  const watcher = new Watcher(payments, ['anna'], { begin: () => {}, end: () => {}, counts: new LiveCounts() });
  const messages: string[] = [];
  const updatesOf: AsyncIterable<readonly Update[]> = watcher;
  const listening = (async () => {
    for await (const updates of updatesOf) {
      for (const { cause, vector } of updates) messages.push(`${cause} ${vector.revision}`);
    }
  })();
  for (const facts of read) {
    watcher.offer(vectorOf('anna', facts), false);
    watcher.flush();
    // Whatever it sent is taken before the next one is read.
    await new Promise((resolve) => setImmediate(resolve));
  }
  watcher.end();
  await listening;
  return messages;
}

const known = (revision: number, eventSeq: number, lastEventAt = revision): Partial<Vector> => ({
  revision,
  eventSeq,
  lastEventAt,
});
const unknown = (revision: number): Partial<Vector> => ({ revision });

describe('a watcher', () => {
  it('sends what is newer than the last one sent, once', async () => {
    expect(await sent(known(5, 1), known(5, 1), known(4, 1), known(6, 2), known(7, 2, 6))).toEqual([
      'SNAPSHOT 5',
      'EVENT 6',
      'DECAY 7',
    ]);
  });

  it('sends once that nothing is known of an entity, though each read has a revision of its own', async () => {
    expect(await sent(unknown(5), unknown(6), unknown(4))).toEqual(['SNAPSHOT 5']);
  });

  it('takes events for the cause when a log was forgotten and came to the same count, or to a smaller one', async () => {
    expect(await sent(known(5, 1), known(9, 1))).toEqual(['SNAPSHOT 5', 'EVENT 9']);
    expect(await sent(known(5, 3), known(9, 1))).toEqual(['SNAPSHOT 5', 'EVENT 9']);
  });

  it('sends the first event, and that all was forgotten, also when the clock was set back', async () => {
    expect(await sent(unknown(1_000), known(900, 1), known(901, 2))).toEqual([
      'SNAPSHOT 1000',
      'EVENT 900',
      'EVENT 901',
    ]);
    expect(await sent(known(1_000, 1), unknown(900), unknown(910))).toEqual(['SNAPSHOT 1000', 'DECAY 900']);
  });

  it('begins with those that can be read, and fails if there are none', async () => {
    const watcher = new Watcher(payments, ['anna', 'ben'], {
      begin: () => {},
      end: () => {},
      counts: new LiveCounts(),
    });
    const first = watcher.next();
    watcher.miss('anna', new Error('anna is broken'));
    watcher.offer(vectorOf('ben', known(5, 1)), false);
    watcher.flush();
    expect((await first).value).toMatchObject([{ cause: 'SNAPSHOT', vector: { id: 'ben' } }]);
    expect([...watcher.unreadable.keys()]).toEqual(['anna']);

    const hopeless = new Watcher(payments, ['anna', 'ben'], {
      begin: () => {},
      end: () => {},
      counts: new LiveCounts(),
    });
    const none = hopeless.next();
    for (const id of ['anna', 'ben']) hopeless.miss(id, new Error(`${id} is broken`));
    await expect(none).rejects.toThrow('ben is broken');
  });

  it('begins when the last one turns out to be unreadable', async () => {
    const watcher = new Watcher(payments, ['anna', 'ben'], {
      begin: () => {},
      end: () => {},
      counts: new LiveCounts(),
    });
    const first = watcher.next();
    watcher.offer(vectorOf('ben', known(5, 1)), false);
    watcher.flush();
    watcher.miss('anna', new Error('anna is broken'));
    expect((await first).value).toMatchObject([{ cause: 'SNAPSHOT', vector: { id: 'ben' } }]);
  });
});

describe('a watcher that comes back', () => {
  const back = (minIntervalMs: number, since: ReadonlyMap<string, number>) =>
    new Watcher(
      payments,
      ['anna', 'ben'],
      { begin: () => {}, end: () => {}, counts: new LiveCounts() },
      { minIntervalMs, since },
    );

  it('spends its pace on messages alone: what brings nothing new does not hold up what does', async () => {
    const watcher = back(
      60_000,
      new Map([
        ['anna', 5],
        ['ben', 5],
      ]),
    );
    const begun = watcher.begin();
    for (const id of ['anna', 'ben']) watcher.offer(vectorOf(id, known(5, 1)), false);
    watcher.flush();
    expect(await begun).toEqual([]);
    watcher.flush();
    const next = watcher.next();
    watcher.offer(vectorOf('anna', known(6, 2)), false);
    watcher.flush();
    expect((await next).value?.map(({ cause }) => cause)).toEqual(['EVENT']);
    watcher.end();
  });

  it('is told of one that could not be read at first, also if it is as the client knows it', async () => {
    const watcher = back(0, new Map([['anna', 5]]));
    const begun = watcher.begin();
    watcher.offer(vectorOf('ben', known(5, 1)), false);
    watcher.miss('anna', new Error('broken'));
    expect((await begun)?.map(({ vector }) => vector.id)).toEqual(['ben']);
    const next = watcher.next();
    watcher.offer(vectorOf('anna', known(5, 1)), false);
    watcher.flush();
    expect((await next).value?.map(({ cause, vector }) => `${cause} ${vector.id}`)).toEqual(['SNAPSHOT anna']);
    watcher.end();
  });
});
