import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect } from 'vitest';
import type { Draw } from '../support/draw.ts';
import { until } from '../support/until.ts';

/** Bytes that are no request, or only a part of one, and what may be answered to them. */
export interface RawAttack {
  readonly kind: string;
  readonly bytes: Buffer;
  /** What the client does after it has said so. */
  readonly afterwards: 'ends' | 'resets' | 'stays' | 'waits';
  /** The status of each answer; nothing at all is answered to whoever leaves. */
  readonly status: readonly number[];
}

const body = '{"query":"{ __typename }"}';
const head = ['Host: x', 'Content-Type: application/json', `Content-Length: ${body.length}`, 'Connection: close'];
const post = (headers: readonly string[], said = body, first = 'POST /graphql HTTP/1.1') =>
  [first, ...headers, '', said].join('\r\n');
const instead = (name: string, ...lines: string[]) => [...head.filter((line) => !line.startsWith(name)), ...lines];
const chunked = instead('Content-Length', 'Transfer-Encoding: chunked');

/** Each with what it may be answered. */
const malformed: readonly (readonly [string, string, ...number[]])[] = [
  ['no host', post(instead('Host')), 400],
  ['two lengths', post([...head, 'Content-Length: 3']), 400],
  ['a length and chunks', post([...head, 'Transfer-Encoding: chunked']), 400],
  ['a length below nothing', post(instead('Content-Length', 'Content-Length: -1')), 400],
  ['a length that is none', post(instead('Content-Length', 'Content-Length: 0x1a')), 400],
  ['a length beyond all numbers', post(instead('Content-Length', `Content-Length: ${'9'.repeat(40)}`)), 400],
  ['chunks of no size', post(chunked, `zz\r\n${body}\r\n0\r\n\r\n`), 400],
  ['chunks of a size beyond all numbers', post(chunked, `${'f'.repeat(17)}\r\n${body}\r\n0\r\n\r\n`), 400],
  ['chunks of another size', post(chunked, `1\r\n${body}\r\n0\r\n\r\n`), 400],
  // Node's parser finds it wrong after it has handed over the head: whoever answers first.
  ['a coding that nobody knows', post(instead('Content-Length', 'Transfer-Encoding: nonsense')), 400, 415],
  [
    'a coding before chunks',
    post(instead('Content-Length', 'Transfer-Encoding: gzip, chunked'), `1a\r\n${body}\r\n0\r\n\r\n`),
    415,
  ],
  ['a space before a colon', post([...head, 'X : y']), 400],
  ['a sign that no name has', post([...head, 'X{}: y']), 400],
  ['a zero byte', post([...head, 'X: a\u0000b']), 400],
  ['a head that is too long', post([...head, `X: ${'x'.repeat(20_000)}`]), 431],
  ['a target that is too long', post(head, body, `POST /graphql?${'x'.repeat(20_000)} HTTP/1.1`), 431],
  ['another version', post(head, body, 'POST /graphql HTTP/3.7'), 400],
  ['no version', post(head, body, 'POST /graphql'), 200, 400],
  ['a method that nobody knows', post(head, body, 'STEAL /graphql HTTP/1.1'), 400],
  ['no method', post(head, body, ' /graphql HTTP/1.1'), 400],
  ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
  ['TLS', '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003', 400],
  ['an expectation that nobody has', post([...head, 'Expect: nonsense']), 417],
  ['a path outside', post(instead('Content-Length'), '', 'GET /../../etc/passwd HTTP/1.1'), 404],
  ['a path of nothing', post(instead('Content-Length'), '', 'GET /%00 HTTP/1.1'), 404],
  ['no path', post(instead('Content-Length'), '', 'GET * HTTP/1.1'), 404],
  [
    'half a handshake',
    post(['Host: x', 'Connection: Upgrade', 'Upgrade: websocket'], '', 'GET /graphql HTTP/1.1'),
    400,
  ],
  [
    'a handshake of another age',
    post(
      ['Host: x', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 7', 'Sec-WebSocket-Key: x'],
      '',
      'GET /graphql HTTP/1.1',
    ),
    400,
  ],
];

/** What some mistake in a good request may come to: whatever it then is, it is no fault of ours. */
const anyRefusal = [200, 400, 403, 404, 405, 406, 408, 413, 415, 417, 431];
/** How long whoever stays is looked at: not at all, they are let go when all is over. */
const good = Buffer.from(post(head));

/** Draws one. */
export function drawnRawAttack(draw: Draw): RawAttack {
  const kind = draw.upTo(99);
  if (kind < 50) {
    const [what, text, ...status] = draw.one(malformed);
    return { kind: what, bytes: Buffer.from(text, 'latin1'), afterwards: 'waits', status };
  }
  if (kind < 75) {
    // What is left of it may be waited for by the server: the client ends it.
    return { kind: 'a request with mistakes', bytes: mutated(draw, good), afterwards: 'ends', status: anyRefusal };
  }
  const bytes = good.subarray(0, draw.upTo(good.length - 1));
  const afterwards = draw.one(['ends', 'resets', 'stays'] as const);
  return { kind: `half a request of a client that ${afterwards}`, bytes, afterwards, status: [400, 408] };
}

function mutated(draw: Draw, bytes: Buffer): Buffer {
  let made = Buffer.from(bytes);
  for (let mistakes = 1 + draw.upTo(4); mistakes > 0; mistakes--) {
    const at = draw.upTo(made.length - 1);
    const [before, after] = [made.subarray(0, at), made.subarray(at)];
    made = draw.one([
      () => Buffer.concat([before, Buffer.from([draw.upTo(255)]), after.subarray(1)]),
      () => Buffer.concat([before, Buffer.from([draw.upTo(255)]), after]),
      () => Buffer.concat([before, after.subarray(1 + draw.upTo(20))]),
      () => Buffer.concat([before, before.subarray(-draw.upTo(30)), after]),
      () => Buffer.concat([before, Buffer.from(draw.one(['\r\n', '\r\n\r\n', ':', ' ', '\n'])), after]),
    ])();
    if (made.length === 0) return Buffer.from('x');
  }
  return made;
}

/** Says it, and holds what is answered against what may be. Whoever stays is added to those. */
export async function playRaw(url: string, attack: RawAttack, staying: Socket[]): Promise<void> {
  const { hostname, port } = new URL(url);
  const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
  let heard = '';
  socket.on('error', () => {});
  socket.on('data', (chunk: Buffer) => {
    heard += chunk.toString('latin1');
  });
  await once(socket, 'connect');
  await new Promise((resolve) => socket.write(attack.bytes, resolve));
  if (attack.afterwards === 'stays') {
    staying.push(socket);
    return;
  }
  if (attack.afterwards === 'resets') {
    socket.resetAndDestroy();
    return;
  }
  if (attack.afterwards === 'ends') socket.end();
  await until(() => socket.readableEnded || socket.destroyed);
  socket.destroy();
  const told = `${attack.kind}: ${JSON.stringify(attack.bytes.toString('latin1').slice(0, 2_000))}\n${heard.slice(0, 500)}`;
  const statuses = [...heard.matchAll(/^HTTP\/1\.1 (\d+) /gm)].map(([, status]) => Number(status));
  for (const status of statuses) expect(attack.status.concat(100), told).toContain(status);
  if (attack.afterwards === 'waits') expect(statuses.length, told).toBeGreaterThan(0);
}
