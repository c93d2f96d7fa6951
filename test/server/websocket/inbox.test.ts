import { beforeEach, describe, expect, it } from 'vitest';
import { Inbox } from '../../../src/server/websocket/inbox.ts';

/** The messages under way, in order, and how to end each. */
const underWay = new Map<string, () => void>();
const begun: string[] = [];
/** What the socket was told. */
const told: string[] = [];
let inbox: Inbox;

beforeEach(() => {
  underWay.clear();
  begun.length = told.length = 0;
  inbox = new Inbox({
    handle: (text) => {
      begun.push(text);
      return new Promise((resolve) => underWay.set(text, resolve));
    },
    isUrgent: (text) => text.startsWith('urgent'),
    pause: () => told.push('pause'),
    resume: () => told.push('resume'),
    width: 2,
    lengthAtOnce: 2_000,
    waitingMessages: 10,
    waitingLength: 1_000,
  });
});

/** A turn of the event loop, in which whoever waits for one gets it. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Ends the oldest messages under way, one after the other. */
async function end(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const [[text, resolve]] = [...underWay] as [[string, () => void]];
    underWay.delete(text);
    resolve();
    await turn();
    await turn();
  }
}

const put = (count: number, text: (i: number) => string = (i) => `m${i}`) => {
  for (let i = 0; i < count; i++) inbox.put(text(i));
};

describe('an inbox', () => {
  it('has as many messages under way as it is wide, in order', async () => {
    put(4);
    expect(begun).toEqual(['m0', 'm1']);
    await end(1);
    expect(begun).toEqual(['m0', 'm1', 'm2']);
    await end(2);
    expect(begun).toEqual(['m0', 'm1', 'm2', 'm3']);
  });

  it('has the socket read again when half of the messages that may wait are left, and no sooner', async () => {
    put(11);
    expect(told).toEqual([]);
    inbox.put('m11');
    expect(told).toEqual(['pause']);
    await end(4);
    expect(told).toEqual(['pause']);
    await end(1);
    expect(told).toEqual(['pause', 'resume']);
  });

  it('has it read again when half of the characters that may wait are left, however often it was full', async () => {
    for (const round of [1, 2, 3]) {
      told.length = 0;
      put(6, (i) => `${round}${i}`.padEnd(250));
      expect(told).toEqual(['pause']);
      await end(1);
      expect(told).toEqual(['pause']);
      await end(1);
      expect(told).toEqual(['pause', 'resume']);
      await end(4);
    }
  });

  it('has no other message begin beside a long one, and the socket not read until that is over', async () => {
    inbox.put('long'.padEnd(2_000));
    expect(told).toEqual(['pause']);
    inbox.put('behind it');
    expect(begun).toEqual(['long'.padEnd(2_000)]);
    await end(1);
    expect(begun).toHaveLength(2);
    expect(told).toEqual(['pause', 'resume']);
    await end(1);
  });

  it('has the socket not read while several together are as long, until they are not', async () => {
    put(2, (i) => `${i}`.padEnd(1_000));
    expect(told).toEqual(['pause']);
    inbox.put('behind them');
    await end(1);
    expect(begun).toHaveLength(3);
    expect(told).toEqual(['pause', 'resume']);
    await end(2);
  });

  it('has it not read when what is over leaves a long one under way', async () => {
    put(1);
    inbox.put('long'.padEnd(2_000));
    await end(1);
    expect(told).toEqual(['pause']);
    await end(1);
    expect(told).toEqual(['pause', 'resume']);
  });

  it('begins what is urgent beside a long one', async () => {
    inbox.put('long'.padEnd(2_000));
    inbox.put('urgent');
    expect(begun.at(-1)).toBe('urgent');
    await end(2);
  });

  it('lets others come in between, also when what it handles is done at once', async () => {
    const order: string[] = [];
    const quick = new Inbox({
      handle: async (text) => void order.push(text),
      isUrgent: () => false,
      pause: () => {},
      resume: () => {},
      width: 1,
      lengthAtOnce: 2_000,
      waitingMessages: 10,
      waitingLength: 1_000,
    });
    for (const text of ['a', 'b', 'c']) quick.put(text);
    await turn();
    order.push('another');
    await turn();
    await turn();
    expect(order).toHaveLength(4);
    expect(order.at(-1)).toBe('c');
  });

  it('begins what is urgent at once, but one at a time, though others wait', async () => {
    put(3);
    for (const text of ['urgent 1', 'urgent 2']) inbox.put(text);
    expect(begun).toEqual(['m0', 'm1', 'urgent 1']);
    underWay.get('urgent 1')?.();
    await turn();
    inbox.put('urgent 3');
    expect(begun).toEqual(['m0', 'm1', 'urgent 1', 'urgent 3']);
    underWay.delete('urgent 1');
    underWay.get('urgent 3')?.();
    underWay.delete('urgent 3');
    await end(2);
    // In its turn, once it had to wait.
    expect(begun.slice(4)).toEqual(['m2', 'urgent 2']);
  });

  it('drops what waits when it closes, and what comes after', async () => {
    put(5);
    inbox.close();
    inbox.put('late');
    await end(2);
    expect(begun).toEqual(['m0', 'm1']);
  });
});
