import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { schema } from '../../../schema/index.ts';
import { anyone } from '../../../src/access/index.ts';
import { Activity, TrustedDocuments } from '../../../src/graphql/index.ts';
import { Entrance } from '../../../src/server/entrance.ts';
import { createPipeline } from '../../../src/server/graphql/pipeline.ts';

function newParser(): (query: string) => unknown {
  const backend = () => {
    throw new Error('nothing is executed');
  };
  const documents = new TrustedDocuments();
  const log = pino({ level: 'silent' });
  const { yoga } = createPipeline({
    schema,
    backend,
    activity: new Activity(),
    documents,
    introspection: true,
    entrance: new Entrance(null),
    log,
  });
  const { parse } = yoga.getEnveloped({ requestId: 'test', caller: anyone, receivedAt: 0 });
  return (query) => {
    try {
      return parse(query);
    } catch (error) {
      return error;
    }
  };
}

const commented = (query: string, length: number) => `${query} #`.padEnd(length, 'x');
const withIds = (ids: number) => `{ users(ids: [${'1 '.repeat(ids)}]) { id } }`;

/** Whether a query that is sent again is not parsed again. */
function isKept(parse: (query: string) => unknown, query: string): boolean {
  const first = parse(query);
  return parse(query) === first;
}

describe.each([
  ['parsed', '{ featureViews { name } }'],
  ['refused', '{ featureViews'],
])('a query that is %s', (_, query) => {
  it('is kept for when it is sent again', () => {
    const parse = newParser();
    expect(isKept(parse, query)).toBe(true);
    expect(isKept(parse, commented(query, 60_000))).toBe(true);
  });

  it('is not kept if it is very long', () => {
    expect(isKept(newParser(), commented(query, 1_100_000))).toBe(false);
  });

  it('is forgotten for others, by their size and not only by their number', () => {
    const parse = newParser();
    const first = parse(query);
    for (let length = 900_000; length < 900_020; length++) parse(commented(query, length));
    expect(parse(query) === first).toBe(false);
  });
});

describe('a query of many words', () => {
  it('counts for what they take, which is far more than their letters', () => {
    const parse = newParser();
    const first = parse('{ featureViews { name } }');
    expect(isKept(parse, withIds(5_000))).toBe(true);
    expect(isKept(parse, withIds(6_000))).toBe(false);
    for (let ids = 4_000; ids < 4_025; ids++) parse(withIds(ids));
    expect(parse('{ featureViews { name } }') === first).toBe(false);
  });
});

it('an empty query is refused as ever', () => {
  const parse = newParser();
  expect(parse('')).toMatchObject({ message: 'Syntax Error: Unexpected <EOF>.' });
  expect(isKept(parse, '')).toBe(true);
});
