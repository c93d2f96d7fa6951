import { describe, expect, it } from 'vitest';
import { PlainHeads } from '../../../src/server/plain/plain-head.ts';

const limit = 1_000;
const minimal = ['Host: x', 'Content-Type: application/json', 'Content-Length: 12'];

function request(lines: readonly string[], first = 'POST /graphql HTTP/1.1'): Buffer {
  return Buffer.from([first, ...lines, '', '{"query":""}'].join('\r\n'), 'latin1');
}

const read = (bytes: Buffer) => new PlainHeads(limit).read(bytes);

describe('the head of a plain request', () => {
  it('says how long it is and its body, and what comes of it', () => {
    const bytes = request(minimal);
    const [head, contentType] = [bytes.length - 12, 'application/json; charset=utf-8'];
    expect(read(bytes)).toEqual({
      bytes: head,
      bodyBytes: 12,
      contentType,
      requestId: undefined,
      authorization: undefined,
      trace: {},
    });
  });

  it('says of which trace it is', () => {
    const trace = { traceparent: '00-1-2-01', tracestate: 'a=b' };
    const lines = ['TraceParent: 00-1-2-01', 'tracestate: a=b'];
    expect(read(request([...minimal, ...lines]))).toMatchObject({ trace });
    expect(read(request([...minimal, ...lines, 'traceparent: 00-3-4-01']))).toBe(null);
  });

  it.each([
    ['a preferred type', ['Accept: application/graphql-response+json, */*;q=0.1'], 'application/graphql-response+json'],
    ['anything', ['ACCEPT:*/*', 'x-request-id:   one', 'connection: Keep-Alive'], 'application/json'],
    ['what is not looked at, again and again', ['Cookie: a', 'Cookie: b', 'X-Y_!: (;", \\'], 'application/json'],
  ])('may ask for %s', (_, lines, type) => {
    expect(read(request([...lines, ...minimal]))).toMatchObject({ contentType: `${type}; charset=utf-8` });
  });

  it.each([
    ['another method', 'GET /graphql HTTP/1.1', minimal],
    ['another path', 'POST /graphql/ HTTP/1.1', minimal],
    ['a query string', 'POST /graphql?a HTTP/1.1', minimal],
    ['the whole address', 'POST http://x/graphql HTTP/1.1', minimal],
    ['an older version', 'POST /graphql HTTP/1.0', minimal],
  ])('is not that of %s', (_, first, lines) => {
    expect(read(request(lines, first))).toBe(null);
  });

  it.each([
    ['without a host', minimal.slice(1)],
    ['without a type', [minimal[0], minimal[2]]],
    ['without a length', minimal.slice(0, 2)],
    ['with two lengths', [...minimal, 'content-length: 12']],
    ['with two hosts', ['host: y', ...minimal]],
    ['with a length that is none', [...minimal.slice(0, 2), 'Content-Length: +12']],
    ['with a length in other words', [...minimal.slice(0, 2), 'Content-Length: 12, 12']],
    ['with a longer body than may be', [...minimal.slice(0, 2), 'Content-Length: 1001']],
    ['with a length beyond all numbers', [...minimal.slice(0, 2), `Content-Length: ${'9'.repeat(400)}`]],
    ['with another type', ['Host: x', 'Content-Type: text/plain', 'Content-Length: 12']],
    ['with another charset', ['Host: x', 'Content-Type: application/json; charset=latin1', 'Content-Length: 12']],
    ['for a stream', [...minimal, 'Accept: text/event-stream, */*']],
    ['for what there is not', [...minimal, 'Accept: text/html']],
    ['that is the last', [...minimal, 'Connection: close']],
    ['that wants to go on otherwise', [...minimal, 'Connection: Upgrade']],
    ['in pieces', [...minimal, 'Transfer-Encoding: chunked']],
    ['compressed', [...minimal, 'Content-Encoding: gzip']],
    ['that waits for leave', [...minimal, 'Expect: 100-continue']],
    ['for a reserved stream', [...minimal, 'X-GraphQL-Event-Stream-Token: t']],
    ['with a space before a colon', [...minimal, 'Transfer-Encoding : chunked']],
    ['with a line that goes on', [...minimal, 'X: y', ' z']],
    ['with a line that ends half', [...minimal, 'X: y\nTransfer-Encoding: chunked']],
    ['with another end of a line', [...minimal, 'X: y\rTransfer-Encoding: chunked']],
    ['with a tab', [...minimal, 'X:\ty']],
    ['with a name that is none', [...minimal, 'X y: z']],
    ['with a line without a name', [...minimal, ': z']],
    ['with a line without a value', [...minimal, 'X:']],
    ['with a byte beyond ASCII', [...minimal, 'X: é']],
    ['with a byte of control', [...minimal, 'X: a\u0000b']],
    ['with another name for Connection', [...minimal, 'Proxy-Connection: close']],
    ['that changes to another protocol', [...minimal, 'Upgrade: h2c']],
    ['of more lines than Node takes', [...minimal, ...Array.from({ length: 1_000 }, () => 'a: b')]],
    ['beyond all measure', [...minimal, `X: ${'y'.repeat(17_000)}`]],
  ])('is not one %s', (_, lines) => {
    expect(read(request(lines as string[]))).toBe(null);
  });

  it('is not known until it is whole', () => {
    const bytes = request(minimal);
    for (let length = 0; length < bytes.length - 12; length++) expect(read(bytes.subarray(0, length))).toBe(null);
  });
});

describe('the next head on a connection', () => {
  const heads = () => {
    const known = new PlainHeads(limit);
    known.read(request([...minimal, 'X-Request-Id: one']));
    return known;
  };
  const next = (length: string, more = ['X-Request-Id: one']) =>
    request([...minimal.slice(0, 2), `Content-Length: ${length}`, ...more]);

  it.each(['0', '9', '12', '345', '1000', '0012'])('is the same but for its length: %s', (length) => {
    const bytes = next(length);
    expect(heads().read(bytes)).toEqual(read(bytes));
    expect(heads().read(bytes)).toMatchObject({ bodyBytes: Number(length), requestId: 'one' });
  });

  it.each(['', '1001', '1x', 'x', '-1', '1 1', '9'.repeat(16), ':', '/'])('is none with the length %j', (length) => {
    expect(heads().read(next(length))).toBe(null);
  });

  it.each([[[]], [['X-Request-Id: two']], [['X-Request-Id: one', 'X: y']], [['X: y', 'X-Request-Id: one']]])(
    'is read for itself with other lines: %j',
    (more) => {
      const bytes = next('12', more);
      expect(heads().read(bytes)).toEqual(read(bytes));
    },
  );

  it.each([
    ['Transfer-Encoding: chunked'],
    ['X-Request-Id: one', 'Expect: 100-continue'],
    ['X-Request-Id: one', 'Content-Length: 13'],
  ])('is none where it goes on to %s %s', (...more) => {
    expect(heads().read(next('12', more))).toBe(null);
  });

  it('is not known until it is whole', () => {
    const bytes = next('12');
    for (let length = 0; length < bytes.length - 12; length++)
      expect(heads().read(bytes.subarray(0, length))).toBe(null);
  });
});
