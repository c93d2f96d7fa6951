import { beforeEach, describe, expect, it } from 'vitest';
import { Turns } from '../../../src/server/websocket/turns.ts';
import { until } from '../../support/until.ts';

/** What reached the handler, and how to end each operation that did. */
const handled: string[] = [];
const under = new Map<string, PromiseWithResolvers<void>>();
const failures: unknown[] = [];
const refusals: string[] = [];
let taken: number;
let turns: Turns;

beforeEach(() => {
  handled.length = failures.length = refusals.length = taken = 0;
  under.clear();
  turns = new Turns({
    handle: async (message) => {
      const text = typeof message === 'string' ? message : JSON.stringify(message);
      handled.push(text);
      const operation = Promise.withResolvers<void>();
      under.set(text, operation);
      if (text.includes('"subscribe"')) await operation.promise;
    },
    onTaken: () => taken++,
    onRefused: ({ reason }) => refusals.push(reason),
    onFailure: (error) => failures.push(error),
  });
});

const subscribe = (query: string) => JSON.stringify({ type: 'subscribe', id: 'i', payload: { query } });
const complete = JSON.stringify({ type: 'complete', id: 'i' });

function end(query: string): void {
  under.get(subscribe(query))?.resolve();
}

/** Waits until nothing more can come of what was settled so far. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('operations of one id', () => {
  it('begin one after the other, each when the one before it is over', async () => {
    void turns.take(subscribe('{ a }'));
    void turns.take(complete);
    const second = turns.take(subscribe('{ b }'));
    await settled();
    expect(handled).toEqual([subscribe('{ a }'), complete]);
    end('{ a }');
    await until(() => under.has(subscribe('{ b }')));
    end('{ b }');
    await second;
  });

  it('count as handled one by one: the stream of one that was completed is not that of the one that waits for it', async () => {
    void turns.take(subscribe('{ a }'));
    void turns.take(complete);
    let secondIsHandled = false;
    const second = turns.take(subscribe('{ b }')).then(() => {
      secondIsHandled = true;
    });
    turns.streams('i');
    await settled();
    expect(secondIsHandled).toBe(false);
    end('{ a }');
    await until(() => under.has(subscribe('{ b }')));
    turns.streams('i');
    await second;
    end('{ b }');
  });

  it('do not share their failures', async () => {
    const first = turns.take(subscribe('{ a }'));
    void turns.take(complete);
    const second = turns.take(subscribe('{ b }'));
    under.get(subscribe('{ a }'))?.reject(new Error('broken'));
    await expect(first).rejects.toThrow('broken');
    await until(() => under.has(subscribe('{ b }')));
    end('{ b }');
    await second;
  });

  it('count as handled once they stream, and go on; a failure after that is told otherwise', async () => {
    const first = turns.take(subscribe('{ a }'));
    turns.streams('i');
    await first;
    void turns.take(complete);
    const second = turns.take(subscribe('{ b }'));
    await settled();
    expect(under.has(subscribe('{ b }'))).toBe(false);
    under.get(subscribe('{ a }'))?.reject(new Error('broken'));
    await until(() => under.has(subscribe('{ b }')));
    expect(failures).toEqual([new Error('broken')]);
    end('{ b }');
    await second;
  });

  it('never begin when they were completed before their turn', async () => {
    const first = turns.take(subscribe('{ a }'));
    for (const query of ['{ b }', '{ c }']) {
      void turns.take(complete);
      void turns.take(subscribe(query));
    }
    const completed = turns.take(complete);
    const last = turns.take(subscribe('{ d }'));
    await completed;
    end('{ a }');
    await first;
    await until(() => under.has(subscribe('{ d }')));
    end('{ d }');
    await last;
    expect(handled).toEqual([subscribe('{ a }'), complete, subscribe('{ d }')]);
  });

  it('never begin when the socket has closed before their turn', async () => {
    void turns.take(subscribe('{ a }'));
    void turns.take(complete);
    const second = turns.take(subscribe('{ b }'));
    turns.close();
    end('{ a }');
    await second;
    expect(handled).toEqual([subscribe('{ a }'), complete]);
  });

  it('may use their id at once when the one before has ended by itself', async () => {
    const first = turns.take(subscribe('{ a }'));
    end('{ a }');
    await first;
    void turns.take(subscribe('{ b }'));
    expect(handled).toEqual([subscribe('{ a }'), subscribe('{ b }')]);
  });

  it('are refused while another of their id goes on, or waits to begin', async () => {
    void turns.take(subscribe('{ a }'));
    await turns.take(subscribe('{ b }'));
    expect(taken).toBe(1);
    void turns.take(complete);
    void turns.take(subscribe('{ c }'));
    await turns.take(subscribe('{ d }'));
    expect(taken).toBe(2);
    expect(handled).toEqual([subscribe('{ a }'), complete]);
  });
});

describe('a message that is more than may be', () => {
  const named = (type: string, length: number) =>
    JSON.stringify({ type, id: 'i'.repeat(length), ...(type === 'subscribe' && { payload: { query: '{ a }' } }) });
  const filled = (type: string, length: number) => {
    const frame = JSON.stringify({ type, payload: { x: '' } }).length;
    return JSON.stringify({ type, payload: { x: 'x'.repeat(length - frame) } });
  };

  it.each(['ping', 'pong', 'connection_init'])('is a %s of more than 65,536 characters', async (type) => {
    await turns.take(filled(type, 65_536));
    expect(handled).toHaveLength(1);
    expect(refusals).toEqual([]);
    await turns.take(filled(type, 65_537));
    expect(handled).toHaveLength(1);
    expect(refusals).toEqual([`A ${type} may have 65536 characters`]);
  });

  it.each(['subscribe', 'complete'])('is a %s by an id of more than 256 characters', async (type) => {
    void turns.take(named(type, 256));
    expect(handled).toHaveLength(1);
    expect(refusals).toEqual([]);
    await turns.take(named(type, 257));
    expect(handled).toHaveLength(1);
    expect(refusals).toEqual(['The id of an operation may have 256 characters']);
  });
});

describe('a message that is of no operation', () => {
  it.each(['nonsense', '{"type":"ping"}', '{"type":"complete"}', complete])('goes on as it is: %s', async (text) => {
    await turns.take(text);
    expect(handled).toEqual([text]);
  });
});
