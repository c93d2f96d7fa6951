import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LoadGenerator, WrongAnswerError } from '../../bench/load/load-generator.ts';
import { ReplyReader } from '../../bench/load/reply-reader.ts';
import { get, postJson, stamp, unstampedId, unstampedTime } from '../../bench/load/request.ts';

let server: Server;
let port: number;
let answer: (url: string, body: string) => string = (url) => url;
const generator = new LoadGenerator();

beforeAll(async () => {
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    response.end(answer(request.url ?? '', Buffer.concat(chunks).toString()));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ({ port } = server.address() as AddressInfo);
});

afterAll(async () => {
  await generator.stop();
  server.close();
});

/** What a reader makes of bytes that come in these pieces. */
function replies(...pieces: string[]): string[] {
  const found: string[] = [];
  const reader = new ReplyReader((status, body) => found.push(`${status} ${body}`));
  for (const piece of pieces) reader.take(Buffer.from(piece));
  return found;
}

test('replies are cut by their length, wherever they are torn', () => {
  const whole =
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst' + 'HTTP/1.1 404 Not Found\r\ncontent-length: 6\r\n\r\nsecond';
  expect(replies(whole)).toEqual(['200 first', '404 second']);
  for (let at = 1; at < whole.length; at++) {
    expect(replies(whole.slice(0, at), whole.slice(at))).toEqual(['200 first', '404 second']);
  }
  expect(replies(...whole)).toEqual(['200 first', '404 second']);
});

test('replies in chunks are put together', () => {
  const whole = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n4\r\n two\r\n0\r\n\r\n';
  expect(replies(whole + whole)).toEqual(['200 one two', '200 one two']);
  expect(replies(...whole)).toEqual(['200 one two']);
});

test('a reply whose length nobody tells is refused', () => {
  expect(() => replies('HTTP/1.1 200 OK\r\n\r\n')).toThrow('unknown length');
});

test('events of a request are numbered anew, and get the time of sending', () => {
  const event = { transactionId: unstampedId('tx'), occurredAt: unstampedTime, amount: 10 };
  const request = postJson('/graphql', { input: [event, event] });
  const length = request.bytes.length;
  stamp(request, 98, '2026-01-02T03:04:05.678Z');
  stamp(request, 99, '2026-01-02T03:04:05.678Z');
  expect(request.bytes.length).toBe(length);
  const body = JSON.parse(request.bytes.toString().split('\r\n\r\n')[1] ?? '');
  expect(body.input.map((one: typeof event) => one.transactionId)).toEqual(['tx-0000000099', 'tx-0000000100']);
  expect(body.input[1].occurredAt).toBe('2026-01-02T03:04:05.678Z');
});

test('a loop sends each request in turn, and counts what was answered', async () => {
  const seen = new Map<string, number>();
  answer = (url) => {
    seen.set(url, (seen.get(url) ?? 0) + 1);
    return `this is ${url}`;
  };
  const target = await generator.target('in turn', port, [get('/a'), get('/b'), get('/c')]);
  expect((await target.learn(2)).map(String)).toEqual(['this is /a', 'this is /b', 'this is /c']);
  const closed = await target.closedLoop({ connections: 4, seconds: 0.3 });
  const counts = [...seen.values()];
  expect(counts.reduce((sum, count) => sum + count)).toBe(closed.allRequests + 3);
  expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
  expect(closed.requests).toBeGreaterThan(0);
  expect(closed.p99Ms).toBeGreaterThanOrEqual(closed.p50Ms);
  const open = await target.openLoop({ perSecond: 200, seconds: 0.5, connections: 8 });
  expect(open.requests).toBe(100);
});

test('latency of an open loop counts from when a request was due, also while the server stalls', async () => {
  let calls = 0;
  answer = () => {
    // Once, in the middle.
    if (++calls === 150) for (const until = performance.now() + 200; performance.now() < until; );
    return 'done';
  };
  const target = await generator.target('stalled', port, [get('/')]);
  await target.learn(1);
  const { p99Ms, p50Ms } = await target.openLoop({ perSecond: 200, seconds: 1, connections: 1 });
  // What was due in these 200 ms is a fifth of all, however few connections there are to send it by.
  expect(p99Ms).toBeGreaterThan(150);
  expect(p50Ms).toBeLessThan(p99Ms);
});

test('an answer that is not what was learned fails the run', async () => {
  let calls = 0;
  answer = () => (++calls === 20 ? 'wrong' : 'right');
  const target = await generator.target('wrong', port, [get('/')]);
  await target.learn(1);
  await expect(target.closedLoop({ connections: 2, seconds: 0.3 })).rejects.toThrow(WrongAnswerError);
});

test('events are counted, and answered alike', async () => {
  const ids = new Set<string>();
  let doubled = 0;
  answer = (_, body) => {
    for (const [id] of body.matchAll(/tx-\d+/g)) {
      if (ids.has(id)) doubled += 1;
      ids.add(id);
    }
    return 'recorded';
  };
  const requests = [1, 2].map((n) => postJson('/', { n, input: [unstampedId('tx'), unstampedId('tx')] }));
  const target = await generator.target('events', port, requests);
  await target.learn(1, 1);
  await target.closedLoop({ connections: 3, seconds: 0.2 });
  expect([target.events, doubled]).toEqual([ids.size, 0]);
});
