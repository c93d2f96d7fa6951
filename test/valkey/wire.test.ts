import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import type { Redis } from 'iovalkey';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { CommandBuffer, connect, ReplyError, unavailableReason, Wire } from '../../src/valkey/index.ts';
import { ending } from '../support/ended.ts';
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

  it('ends with it also while its server is away, and so does what waits there', async () => {
    const from = JSON.stringify(new URL('../../src/valkey/index.ts', import.meta.url).href);
    const program = `
      import { once } from 'node:events';
      import { CommandBuffer, openServers, parseValkeyUrl, Wire } from ${from};
      const servers = openServers(parseValkeyUrl(process.argv[1]), { commandTimeoutMs: 20_000 });
      const [{ valkey }] = servers.all;
      await Wire.beside(valkey, 'test-wire').open();
      const leaving = once(valkey, 'reconnecting');
      console.log('open');
      await leaving;
      const waiting = valkey.ping().catch(({ message }) => message);
      servers.close();
      console.log(await waiting);
    `;
    const store = await ThrowawayValkey.create();
    await store.start();
    onTestFinished(() => store.destroy());
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program, store.url]);
    onTestFinished(() => void child.kill('SIGKILL'));
    const ended = ending(child);
    await once(child.stdout, 'data');
    await store.crash();
    expect(await ended).toEqual({ status: 0, stdout: 'open\nConnection is closed.\n', stderr: '' });
  }, 15_000);

  it('keeps nothing of those who wait for it in vain', async () => {
    const from = JSON.stringify(new URL('../../src/valkey/index.ts', import.meta.url).href);
    const program = `
      import { connect, parseValkeyUrl, Wire } from ${from};
      const valkey = connect(parseValkeyUrl('valkey://127.0.0.1:1'));
      const wire = new Wire(valkey, 'test-wire');
      const tryOften = async (times) => {
        for (let i = 0; i < times; i++) await wire.open().catch(() => {});
        gc();
        return process.memoryUsage().heapUsed;
      };
      const before = await tryOften(1_000);
      console.log((await tryOften(20_000)) - before);
      valkey.disconnect();
      process.exit();
    `;
    const child = spawn(process.execPath, ['--expose-gc', '--input-type=module', '--eval', program]);
    const { status, stdout } = await ending(child);
    expect(status).toBe(0);
    expect(Number(stdout)).toBeLessThan(4_000_000); // of 20,000: what each left behind was 700 bytes and more
  }, 30_000);

  it('does not open where the store refuses who it says it is', async () => {
    const { port } = new URL(server.url);
    valkey = connect(singleAddress(`valkey://nobody:wrong@127.0.0.1:${port}`));
    await expect(new Wire(valkey, 'test-wire').open()).rejects.toThrow();
  });
});
