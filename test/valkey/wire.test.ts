import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import type { Redis } from 'iovalkey';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CommandBuffer, connect, ReplyError, unavailableReason, Wire } from '../../src/valkey/index.ts';
import { singleAddress } from '../support/single-address.ts';
import { ThrowawayValkey } from '../support/throwaway-valkey.ts';
import { until } from '../support/until.ts';

let server: ThrowawayValkey;
let valkey: Redis;

beforeAll(async () => {
  server = await ThrowawayValkey.create();
  await server.start();
});

afterEach(() => valkey?.disconnect());

afterAll(() => server?.destroy());

function wireIn(database = 0, commandTimeoutMs = 2_000): Wire {
  valkey = connect(singleAddress(`${server.url}/${database}`), { commandTimeoutMs });
  return new Wire(valkey, 'test-wire');
}

async function send(wire: Wire, ...commands: (readonly (string | number)[])[]) {
  await wire.open();
  const sent = new CommandBuffer();
  for (const command of commands) sent.add(command);
  return (await wire.send(sent)).map((reply) => (Buffer.isBuffer(reply) ? reply.toString('latin1') : reply));
}

async function clientId(): Promise<string> {
  return /^id=(\d+) .*name=test-wire/m.exec(String(await valkey.client('LIST')))?.[1] ?? '';
}

const reasonOf = async (work: Promise<unknown>) => unavailableReason(await work.catch((error: unknown) => error));

describe('a wire', () => {
  it('has its answers in order, texts as bytes, and what is wrong in its place', async () => {
    const wire = wireIn();
    const bytes = String.fromCharCode(...Array.from({ length: 256 }, (_, code) => code));
    const answers = await send(
      wire,
      ['SET', 'k', bytes],
      ['GET', 'k'],
      ['INCR', 'k'],
      ['GET', 'none'],
      ['STRLEN', 'k'],
    );
    expect(answers).toEqual(['OK', bytes, expect.any(ReplyError), null, 256]);
    expect(await send(wire, ['MULTI'], ['STRLEN', 'k'], ['EXEC'])).toEqual(['OK', 'QUEUED', [256]]);
  });

  it('answers all that is under way at once, each with its own', async () => {
    const wire = wireIn(0, 20_000);
    await wire.open();
    const all = Array.from({ length: 200 }, (_, i) => send(wire, ['ECHO', `${i}`], ['ECHO', 'x'.repeat(i * 500)]));
    for (const [i, answers] of (await Promise.all(all)).entries())
      expect(answers).toEqual([`${i}`, 'x'.repeat(i * 500)]);
  });

  it('works in the database of the connection that it stands beside, and under its name', async () => {
    const wire = wireIn(3);
    await send(wire, ['SET', 'in the third', 1]);
    expect(await valkey.get('in the third')).toBe('1');
    expect(await clientId()).not.toBe('');
  });

  it('says that its connection broke to all who wait, sends nothing again, and connects anew', async () => {
    const wire = wireIn();
    await send(wire, ['SET', 'count', 0]);
    const before = wire.losses;
    const waiting = [send(wire, ['BLPOP', 'nothing', 0]), send(wire, ['INCR', 'count'])];
    const reasons = Promise.all(waiting.map(reasonOf));
    await until(async () => /blocked|cmd=blpop/i.test(String(await valkey.client('LIST'))));
    await valkey.client('KILL', 'ID', await clientId());
    expect(await reasons).toEqual(['the connection to Valkey broke', 'the connection to Valkey broke']);
    expect(wire.losses).toBe(before + 1);
    await until(() =>
      send(wire, ['PING']).then(
        () => true,
        () => false,
      ),
    );
    expect(await valkey.get('count')).toBe('0');
  });

  it('gives up on answers that do not come in time, and never takes them for those of others', async () => {
    const wire = wireIn(0, 300);
    await send(wire, ['SET', 'a', 'first']);
    server.freeze();
    expect(await reasonOf(send(wire, ['GET', 'a']))).toBe('Valkey did not answer in time');
    server.thaw();
    await until(() =>
      send(wire, ['ECHO', 'second']).then(
        ([answer]) => answer === 'second',
        () => false,
      ),
    );
  });

  it('ends with the connection that it stands beside', async () => {
    const wire = wireIn();
    await send(wire, ['PING']);
    const other = connect(singleAddress(server.url));
    try {
      const ended = once(valkey, 'end');
      valkey.disconnect();
      await ended;
      await expect(wire.open()).rejects.toThrow('Connection is closed');
      await expect(send(wire, ['PING'])).rejects.toThrow('Connection is closed');
      await until(async () => !/name=test-wire/.test(String(await other.client('LIST'))));
    } finally {
      other.disconnect();
    }
  });

  it('keeps no process once that has ended', async () => {
    const from = JSON.stringify(new URL('../../src/valkey/index.ts', import.meta.url).href);
    const program = `
      import { CommandBuffer, connect, parseValkeyUrl, Wire } from ${from};
      const valkey = connect(parseValkeyUrl(${JSON.stringify(server.url)}), { commandTimeoutMs: 20_000 });
      const wire = new Wire(valkey, 'test-wire');
      await wire.open();
      const ping = new CommandBuffer();
      ping.add(['PING']);
      await wire.send(ping);
      valkey.disconnect();
    `;
    await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], { timeout: 10_000 });
  }, 15_000);

  it('does not open where the store refuses who it says it is', async () => {
    const { port } = new URL(server.url);
    valkey = connect(singleAddress(`valkey://nobody:wrong@127.0.0.1:${port}`));
    await expect(new Wire(valkey, 'test-wire').open()).rejects.toThrow();
  });
});
