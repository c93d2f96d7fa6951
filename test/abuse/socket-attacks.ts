import { once } from 'node:events';
import { connect } from 'node:net';
import { expect } from 'vitest';
import { hasTooManyValues } from '../../src/server/json-values.ts';
import type { Draw } from '../support/draw.ts';
import type { Grammar } from '../support/drawn-documents.ts';
import { until } from '../support/until.ts';
import { bombText, drawnBomb } from './bombs.ts';
import { expectedOfQuery } from './graphql-oracle.ts';
import { drawnDocument } from './http-attacks.ts';
import { executed } from './outcome.ts';

/** Frames that nobody should send on a WebSocket. */
export interface SocketAttack {
  readonly kind: string;
  /** Whether it begins as it should: with what the server acknowledges. */
  readonly begins: boolean;
  readonly bytes: Buffer;
  /** With which codes the server may close it; empty: not at all, but the operation is answered. */
  readonly closes: readonly number[];
  /** Of the errors of the answer. */
  readonly codes: readonly (string | null)[];
}

const handshake =
  'GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n';

const text = 1;
const [finished, masked] = [0x80, 0x80];

interface FrameOptions {
  readonly opcode?: number;
  /** The first four bits of it. */
  readonly flags?: number;
  readonly isMasked?: boolean;
}

/** A frame, whose mask leaves all as it is. */
function frame(
  payload: string | Buffer,
  { opcode = text, flags = finished, isMasked = true }: FrameOptions = {},
): Buffer {
  const bytes = Buffer.from(payload as string);
  const mask = isMasked ? masked : 0;
  const length =
    bytes.length < 126
      ? Buffer.from([mask | bytes.length])
      : bytes.length < 65_536
        ? Buffer.from([mask | 126, bytes.length >> 8, bytes.length & 255])
        : Buffer.concat([Buffer.from([mask | 127, 0, 0, 0, 0]), lengthBytes(bytes.length)]);
  return Buffer.concat([Buffer.from([flags | opcode]), length, isMasked ? Buffer.alloc(4) : Buffer.alloc(0), bytes]);
}

function lengthBytes(length: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(length);
  return bytes;
}

const message = (said: unknown) => frame(JSON.stringify(said));
const init = message({ type: 'connection_init' });
const subscribe = (id: unknown, payload: unknown) => message({ id, type: 'subscribe', payload });
const watching = { query: 'subscription { userRiskProfileUpdated(userIds: ["a"], minIntervalMs: 60000) { cause } }' };

const protocolErrors = [1002];
/** Frames and messages, each with the only code that it may be closed with. */
const malformed: readonly (readonly [string, readonly Buffer[], readonly number[]])[] = [
  ['an opcode that nobody knows', [frame('x', { opcode: 3 })], protocolErrors],
  ['a control frame that nobody knows', [frame('x', { opcode: 11 })], protocolErrors],
  ['flags that were not agreed upon', [frame('x', { flags: 0xf0 })], protocolErrors],
  ['a frame without a mask', [frame('{}', { isMasked: false })], protocolErrors],
  ['a ping in parts', [frame('x', { opcode: 9, flags: 0 })], protocolErrors],
  ['a long ping', [frame('x'.repeat(126), { opcode: 9 })], protocolErrors],
  ['the end of what has not begun', [frame('x', { opcode: 0 })], protocolErrors],
  ['a beginning within another', [frame('a', { flags: 0 }), frame('b')], protocolErrors],
  ['a close of one byte', [frame('x', { opcode: 8 })], protocolErrors],
  ['a close by a code that nobody may use', [frame(Buffer.from([3, 237]), { opcode: 8 })], protocolErrors],
  ['bytes that are no text', [frame(Buffer.from([0xff, 0xfe]))], [1007]],
  ['bytes that are no text, as bytes', [frame(Buffer.from([0xff, 0xfe]), { opcode: 2 })], [4400]],
  ['a length beyond all numbers', [Buffer.from([0x81, 0xff, ...Array(12).fill(0xff)])], [1009]],
  ['a message that is too long', [Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0])], [1009]],
  ['no JSON', [frame('nonsense')], [4400]],
  ['nothing', [frame('')], [4400]],
  ['deep JSON', [frame('['.repeat(50_000))], [4400]],
  ['no message', [message(null)], [4400]],
  ['a message of no type', [message({ id: '1' })], [4400]],
  ['a type that nobody knows', [message({ type: 'steal' })], [4400]],
  ['what only servers say', [message({ type: 'connection_ack' })], [4400]],
  ['a result', [message({ type: 'next', id: '1', payload: {} })], [4400]],
  ['an operation of no id', [subscribe(undefined, watching)], [4400]],
  ['an operation of an id that is none', [subscribe(1, watching)], [4400]],
  ['an operation of an empty id', [subscribe('', watching)], [4400]],
  ['an operation of nothing', [subscribe('1', undefined)], [4400]],
  ['a query that is none', [subscribe('1', { query: 1 })], [4400]],
  ['variables that are none', [subscribe('1', { ...watching, variables: 'x' })], [4400]],
  ['an operation before all', [subscribe('1', watching)], [4401]],
  ['a second beginning', [init], [4429]],
  ['an id that is taken', [subscribe('1', watching), subscribe('1', watching)], [4409]],
  ['an id that is taken, and long', [...Array(2).fill(subscribe('x'.repeat(256), watching))], [4409]],
  ['an id that is too long', [subscribe('x'.repeat(257), watching)], [4400]],
  ['a long message that is a ping', [message({ type: 'ping', payload: { x: 'x'.repeat(65_536) } })], [1009]],
];

/** Whatever bytes are: no frame, none that may be, or the beginning of one. */
const anyClose = [1002, 1006, 1007, 1009, 4400, 4401, 4429];

/** Draws one. */
export function drawnSocketAttack(draw: Draw, grammar: Grammar): SocketAttack {
  const kind = draw.upTo(99);
  if (kind < 45) {
    const [what, frames, closes] = draw.one(malformed);
    return { kind: what, begins: !closes.includes(4401), bytes: Buffer.concat(frames), closes, codes: [] };
  }
  if (kind < 60) {
    const bytes = Buffer.from(draw.some(300, () => draw.upTo(255)));
    return { kind: 'any bytes', begins: draw.chance(50), bytes, closes: anyClose, codes: [] };
  }
  if (kind < 80) {
    const { kind: _, ...asked } = drawnDocument(draw, grammar);
    const { codes } = expectedOfQuery(grammar.schema, asked, false);
    const payload = { ...asked, operationName: asked.operationName ?? null };
    return {
      kind: 'a document',
      begins: true,
      bytes: subscribe('1', payload),
      closes: [],
      codes: codes ?? executed.codes ?? [],
    };
  }
  const bomb = drawnBomb(draw);
  const said = `{"id":"1","type":"subscribe","payload":${bombText(bomb)}}`;
  const closes = hasTooManyValues(said) ? [1009] : [];
  return { kind: `a bomb of ${bomb.kind}`, begins: true, bytes: frame(said), closes, codes: bomb.codes };
}

/** Says it, and holds what comes of it against what may. */
export async function playSocket(url: string, attack: SocketAttack, messageLimitBytes: number): Promise<void> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let heard: Buffer = Buffer.alloc(0);
  socket.on('error', () => {});
  socket.on('data', (chunk: Buffer) => {
    heard = Buffer.concat([heard, chunk]);
  });
  await once(socket, 'connect');
  socket.write(handshake);
  await until(() => heard.includes('\r\n\r\n'));
  heard = heard.subarray(heard.indexOf('\r\n\r\n') + 4);
  if (attack.begins) {
    socket.write(init);
    await until(() => heard.includes('connection_ack'));
  }
  await new Promise((resolve) => socket.write(attack.bytes, resolve));
  const told = `${attack.kind}: ${attack.bytes.toString('latin1').slice(0, 3_000)}`;
  const isTooLong = attack.closes.length === 0 && attack.bytes.length > messageLimitBytes;
  const closes = isTooLong ? [1009] : attack.closes;
  if (attack.closes === anyClose) socket.end();
  try {
    await until(() => socket.closed || closeCode(heard) !== null || isAnswered(heard, closes));
  } catch (error) {
    throw new Error(`${told}\nwas not answered, but by ${heard.toString().slice(0, 1_000)}`, { cause: error });
  }
  socket.destroy();
  const code = closeCode(heard) ?? (socket.closed && !isAnswered(heard, closes) ? 1006 : null);
  if (closes.length > 0) expect(closes, told).toContain(code ?? 1006);
  else {
    expect(code, told).toBeNull();
    for (const [, found = ''] of heard.toString().matchAll(/"code":"([A-Z_]+)"/g))
      expect(attack.codes, `${told}\n${heard.toString().slice(0, 1_000)}`).toContain(found);
  }
}

/** Of the close frame that the server has sent, if it has; its frames have no masks. */
function closeCode(heard: Buffer): number | null {
  for (let at = 0; at + 2 <= heard.length; ) {
    const opcode = (heard[at] as number) & 15;
    const short = (heard[at + 1] as number) & 127;
    const [length, header] =
      short < 126
        ? [short, 2]
        : short === 126
          ? [heard.length >= at + 4 ? heard.readUInt16BE(at + 2) : 0, 4]
          : [heard.length >= at + 10 ? Number(heard.readBigUInt64BE(at + 2)) : 0, 10];
    if (opcode === 8) return heard.length >= at + header + 2 ? heard.readUInt16BE(at + header) : null;
    at += header + length;
  }
  return null;
}

function isAnswered(heard: Buffer, closes: readonly number[]): boolean {
  return closes.length === 0 && /"type":"(next|error|complete)"/.test(heard.toString());
}
