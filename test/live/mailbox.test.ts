import { describe, expect, it } from 'vitest';
import type { Update, UpdateCause } from '../../src/live/index.ts';
import { Mailbox } from '../../src/live/mailbox.ts';
import { vectorOf } from './vectors.ts';

function update(cause: UpdateCause, id: string, revision: number): Update {
  return { cause, vector: vectorOf(id, { revision }) };
}

function shown(updates: readonly Update[] | undefined): string[] {
  return (updates ?? []).map(({ cause, vector }) => `${cause} ${vector.id} ${vector.revision}`);
}

describe('a mailbox', () => {
  it('gives what was put in before a flush, in one message', async () => {
    const mailbox = new Mailbox();
    mailbox.put(update('EVENT', 'a', 1));
    mailbox.put(update('DECAY', 'b', 2));
    mailbox.flush();
    expect(shown((await mailbox.take()).value)).toEqual(['EVENT a 1', 'DECAY b 2']);
  });

  it('holds the newest update of an entity, for the strongest cause', async () => {
    const mailbox = new Mailbox();
    for (const one of [update('DECAY', 'a', 1), update('EVENT', 'a', 2), update('DECAY', 'a', 3)]) mailbox.put(one);
    for (const one of [update('RESYNC', 'b', 1), update('EVENT', 'b', 2)]) mailbox.put(one);
    for (const one of [update('SNAPSHOT', 'c', 1), update('RESYNC', 'c', 2)]) mailbox.put(one);
    mailbox.flush();
    expect(shown((await mailbox.take()).value)).toEqual(['EVENT a 3', 'RESYNC b 2', 'SNAPSHOT c 2']);
  });

  it('keeps what is not flushed to itself', async () => {
    const mailbox = new Mailbox();
    const taken = mailbox.take();
    mailbox.put(update('EVENT', 'a', 1));
    await expect(Promise.race([taken, Promise.resolve('nothing yet')])).resolves.toBe('nothing yet');
    mailbox.flush();
    expect(shown((await taken).value)).toEqual(['EVENT a 1']);
  });

  it('serves those who wait in turn', async () => {
    const mailbox = new Mailbox();
    const takers = [mailbox.take(), mailbox.take()];
    mailbox.put(update('EVENT', 'a', 1));
    mailbox.flush();
    mailbox.put(update('EVENT', 'a', 2));
    mailbox.flush();
    expect((await Promise.all(takers)).map(({ value }) => shown(value))).toEqual([['EVENT a 1'], ['EVENT a 2']]);
  });

  it('settles everyone who waits when it ends', async () => {
    const mailbox = new Mailbox();
    const takers = [mailbox.take(), mailbox.take()];
    mailbox.end();
    expect(await Promise.all([...takers, mailbox.take()])).toEqual(Array(3).fill({ done: true, value: undefined }));
  });

  it('tells the first who takes why it failed, whether they wait or come later', async () => {
    for (const early of [true, false]) {
      const mailbox = new Mailbox();
      const waiting = early ? mailbox.take() : null;
      mailbox.fail(new Error('gone'));
      await expect(waiting ?? mailbox.take()).rejects.toThrow('gone');
      expect(await mailbox.take()).toEqual({ done: true, value: undefined });
    }
  });
});
