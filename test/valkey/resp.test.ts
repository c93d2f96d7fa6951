import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesText, CommandBuffer, type Reply, ReplyError } from '../../src/valkey/index.ts';
import { ReplyParser } from '../../src/valkey/resp.ts';

const bytes = fc.uint8Array().map((array) => Buffer.from(array));
const word = fc.string({ unit: fc.constantFrom(...'ABC def') });
const replies = fc.letrec<{ reply: Reply }>((tie) => ({
  reply: fc.oneof(
    { depthSize: 'small' },
    bytes,
    word,
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
  if (typeof reply === 'string') return `+${reply}\r\n`;
  if (Buffer.isBuffer(reply)) return `$${reply.length}\r\n${reply.toString('latin1')}\r\n`;
  if (reply instanceof ReplyError) return `-${reply.message}\r\n`;
  return `*${reply.length}\r\n${reply.map((one) => written(one)).join('')}`;
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
        const text = Buffer.from(sent.map((one) => written(one)).join(''), 'latin1');
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

describe('commands', () => {
  it('are written with the lengths of their arguments in bytes', () => {
    const commands = new CommandBuffer();
    commands.add(['SET', bytesText('clé'), 12.5]);
    commands.begin(2);
    commands.text('ECHO');
    commands.bytes(Buffer.from('not this, but that'), 14, 18);
    expect(commands.count).toBe(2);
    expect(commands.written.toString('latin1')).toBe(
      '*3\r\n$3\r\nSET\r\n$4\r\ncl\xc3\xa9\r\n$4\r\n12.5\r\n*2\r\n$4\r\nECHO\r\n$4\r\nthat\r\n',
    );
    commands.clear();
    expect([commands.count, commands.written.length]).toEqual([0, 0]);
  });

  it('have numbers by decimals that read back as the same, in 17 digits at most', () => {
    const whole = fc.bigInt({ min: 0n, max: 10n ** 17n }).map(Number);
    const hundredths = fc.integer({ min: -1_000_000, max: 2 ** 31 - 1 }).map((value) => value / 100);
    // Next to powers of two and of ten, where doubles lie closest beside what a digit is worth.
    const beside = fc.tuple(
      fc.oneof(
        fc.integer({ min: -2, max: 50 }).map((power) => 2 ** power),
        fc.integer({ min: -2, max: 15 }).map((power) => 10 ** power),
      ),
      fc.integer({ min: -1_000, max: 1_000 }),
    );
    const numbers = fc.oneof(
      whole,
      hundredths,
      beside.map(([power, ulps]) => power * (1 + ulps * 2 ** -52)),
      fc.double({ min: 1, max: 1e13 }),
      fc.tuple(fc.nat(1e9), fc.integer({ min: 1, max: 1_000 })).map(([sum, n]) => sum / n),
      fc.double(),
      fc.constantFrom(0, -0, 9, 10, 99, 100, 1e8 - 1, 1e8, 1e14, 1e15 - 1, 1e15),
    );
    fc.assert(
      fc.property(numbers, (value) => {
        const commands = new CommandBuffer();
        commands.add(['ECHO', value]);
        const [, length, text = ''] =
          /^\*2\r\n\$4\r\nECHO\r\n\$(\d+)\r\n(.*)\r\n$/.exec(commands.written.toString()) ?? [];
        expect(Number(length)).toBe(text.length);
        expect(Number(text)).toBe(value + 0);
        // What a decimal of fifteen digits tells is told by it.
        const is15 = Math.abs(value) >= 1 && Number(value.toPrecision(15)) === value;
        expect(text.length).toBeLessThanOrEqual(is15 ? `${value}`.length : Math.max(18, `${value}`.length));
      }),
      { numRuns: 20_000 },
    );
  });

  it('are what was put in, however much that is', () => {
    const args = fc.array(
      fc.oneof(
        bytes,
        fc.nat(200_000).map((size) => Buffer.alloc(size, size)),
      ),
      { minLength: 1, maxLength: 5 },
    );
    fc.assert(
      fc.property(fc.array(fc.array(args, { maxLength: 6 }), { maxLength: 6 }), (batches) => {
        const commands = new CommandBuffer();
        for (const batch of batches) {
          for (const [first, ...others] of batch as [Buffer, ...Buffer[]][]) {
            commands.begin(1 + others.length);
            commands.text(first.toString('latin1'));
            for (const one of others) commands.bytes(one, 0, one.length);
          }
          expect(commands.written.equals(Buffer.from(batch.map((one) => written(one)).join(''), 'latin1'))).toBe(true);
          commands.clear();
        }
      }),
      { numRuns: 30 },
    );
  });
});
