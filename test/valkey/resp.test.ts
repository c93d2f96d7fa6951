import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesText, encodeCommand, type Reply, ReplyError } from '../../src/valkey/index.ts';
import { ReplyParser } from '../../src/valkey/resp.ts';

const bytes = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) });
const word = fc.string({ unit: fc.constantFrom(...'ABC def') });
const replies = fc.letrec<{ reply: Reply }>((tie) => ({
  reply: fc.oneof(
    { depthSize: 'small' },
    bytes,
    fc.integer(),
    fc.constant(null),
    word.map((text) => new ReplyError(text)),
    fc.array(tie('reply'), { maxLength: 4 }),
  ),
})).reply;

/** A reply as Valkey sends it. */
function written(reply: Reply): string {
  if (reply === null) return '$-1\r\n';
  if (typeof reply === 'number') return `:${reply}\r\n`;
  if (typeof reply === 'string') return `$${reply.length}\r\n${reply}\r\n`;
  if (reply instanceof ReplyError) return `-${reply.message}\r\n`;
  return `*${reply.length}\r\n${reply.map(written).join('')}`;
}

function readAll(parser: ReplyParser): Reply[] {
  const all: Reply[] = [];
  for (let reply = parser.next(); reply !== undefined; reply = parser.next()) all.push(reply);
  return all;
}

describe('answers of Valkey', () => {
  it('are read as they were meant, wherever the network cuts them', () => {
    fc.assert(
      fc.property(fc.array(replies, { maxLength: 6 }), fc.array(fc.nat(60), { maxLength: 8 }), (sent, lengths) => {
        const text = Buffer.from(sent.map(written).join(''), 'latin1');
        const parser = new ReplyParser();
        const read: Reply[] = [];
        let at = 0;
        for (const length of [...lengths, text.length]) {
          parser.add(text.subarray(at, at + length));
          read.push(...readAll(parser));
          at += length;
        }
        expect(read).toStrictEqual(sent);
      }),
    );
  });

  it.each([
    ['+OK\r\n', 'OK'],
    ['*-1\r\n', null],
    [':-12\r\n', -12],
    ['*0\r\n', []],
  ])('%j is read as %j', (text, reply) => {
    const parser = new ReplyParser();
    parser.add(Buffer.from(text));
    expect(readAll(parser)).toEqual([reply]);
  });

  it('that are no RESP2 are refused', () => {
    const parser = new ReplyParser();
    parser.add(Buffer.from('HTTP/1.1 400\r\n'));
    expect(() => parser.next()).toThrow('no RESP2');
  });
});

describe('a command', () => {
  it('is written with the lengths of its arguments in bytes', () => {
    expect(encodeCommand(['SET', bytesText('clé'), 12.5])).toBe(
      '*3\r\n$3\r\nSET\r\n$4\r\ncl\xc3\xa9\r\n$4\r\n12.5\r\n',
    );
  });
});
