import { afterEach, describe, expect, it } from 'vitest';
import { type Span, type SpanFact, type Tracing, traced, tracer } from '../../src/measure/index.ts';

/** Notes what it is told, in words. */
class Notes implements Tracing {
  readonly counts = { ended: 0, exported: 0, failed: 0 };
  readonly told: string[] = [];
  readonly #traceId: string | null;

  constructor(traceId: string | null = 'one') {
    this.#traceId = traceId;
  }

  begin(name: string): Span {
    const told = (what: string) => this.told.push(`${name} ${what}`);
    return {
      traceId: this.#traceId,
      set: (fact: string, value: SpanFact) => told(`${fact}=${value}`),
      fail: (code) => told(`failed ${code}`),
      end: () => told('ended'),
    };
  }

  within<T>(_span: Span, work: () => T): T {
    return work();
  }

  current(): null {
    return null;
  }
}

/** Has it record what is traced. */
function record(notes: Notes): Notes {
  tracer.current = notes;
  return notes;
}

afterEach(() => {
  tracer.current = null;
});

describe('work in a span', () => {
  it('is done alone where nobody records, and nothing is made for that', async () => {
    const facts = () => {
      throw new Error('nobody asks');
    };
    expect(await traced('read', facts, async () => 7)).toBe(7);
  });

  const facts = () => ({ vectors: 2 });
  const readTwo = () => traced('read', facts, async () => 7);

  it('is what it would be without, and ends it', async () => {
    const notes = record(new Notes());
    expect(await readTwo()).toBe(7);
    expect(notes.told).toEqual(['read vectors=2', 'read ended']);
  });

  it('of a trace that is not recorded is done, and nothing is told of it', async () => {
    const notes = record(new Notes(null));
    expect(await readTwo()).toBe(7);
    expect(notes.told).toEqual([]);
  });

  it.each([
    [Object.assign(new Error('user_001 paid 12.5'), { code: 'UNAVAILABLE' }), 'UNAVAILABLE'],
    [new RangeError('user_001 paid 12.5'), 'RangeError'],
    ['user_001 paid 12.5', 'unknown'],
  ])('that fails by %o is told by its code and nothing that it says', async (error, code) => {
    const notes = record(new Notes());
    const work = traced(
      'read',
      () => ({}),
      () => Promise.reject(error),
    );
    await expect(work).rejects.toBe(error);
    expect(notes.told).toEqual([`read failed ${code}`, 'read ended']);
  });
});
