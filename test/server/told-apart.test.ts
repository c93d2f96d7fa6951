import { createServer } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startApi, type TestApi } from '../support/api.ts';
import { ServerProcess } from '../support/server-process.ts';
import { until } from '../support/until.ts';

let server: ServerProcess;
let api: TestApi;

beforeAll(async () => {
  server = await ServerProcess.start();
  api = await startApi({ valkeyUrl: server.url });
});

afterAll(async () => {
  await api?.stop();
  await server?.destroy();
});

let transactions = 0;

/** What becomes of an event of a user. */
async function record(userId = 'u') {
  transactions += 1;
  const { data } = await api.ask<{ recordTransaction: { status: string; reason: string | null } }>(
    'mutation ($input: TransactionInput!) { recordTransaction(input: $input) { status reason } }',
    { input: { transactionId: String(transactions), userId, merchantId: 'm', amount: 1 } },
  );
  return data?.recordTransaction;
}

async function read() {
  const { data } = await api.ask<{ user: { riskProfile: { txnCount24h: number } | null } }>(
    '{ user(id: "u") { riskProfile { txnCount24h } } }',
  );
  return data?.user.riskProfile;
}

describe('what is wrong with Valkey is told apart, to clients and to whoever runs it:', () => {
  afterEach(async () => {
    await server.admin.config('SET', 'maxmemory', '0');
    await server.admin.config('SET', 'min-replicas-to-write', '0');
    await server.admin.replicaof('NO', 'ONE');
    // What was tried on a server that takes no writes may end its connections.
    await until(async () => (await record('other'))?.status === 'RECORDED');
  });

  it('it is out of memory, and serves reads on', async () => {
    expect(await record()).toMatchObject({ status: 'RECORDED' });
    await server.admin.config('SET', 'maxmemory', '1mb');
    const full = { status: 'UNAVAILABLE', reason: expect.stringMatching(/out of memory.*raise its maxmemory/) };
    expect(await record()).toEqual(full);
    expect(await record('new')).toEqual(full);
    expect(await read()).toEqual({ txnCount24h: 1 });
    const forgotten = await api.ask('mutation { forgetUser(id: "other") { status } }');
    expect(forgotten.data).toEqual({ forgetUser: { status: 'FORGOTTEN' } });
    expect(await api.get('/readyz')).toMatchObject({
      status: 200,
      body: { warnings: [expect.stringMatching(/% of maxmemory.*raise maxmemory/)] },
    });
  });

  it('it is a replica', async () => {
    await server.admin.replicaof('127.0.0.1', 1);
    expect(await record()).toEqual({ status: 'UNAVAILABLE', reason: expect.stringMatching(/is a replica here/) });
    // Once it has followed the name, which may lead elsewhere by now, and does not.
    const health = await until(async () => {
      const { status, body } = await api.get('/readyz');
      return !/no connection/.test(String((body as { problems: unknown }).problems)) && { status, body };
    });
    expect(health).toMatchObject({
      status: 503,
      body: { problems: [expect.stringMatching(/replica here.*name its primary with VALKEY_URL/)] },
    });
  });

  it('it has too few replicas to take writes', async () => {
    await server.admin.config('SET', 'min-replicas-to-write', '1');
    expect(await record()).toEqual({ status: 'UNAVAILABLE', reason: expect.stringMatching(/min-replicas-to-write/) });
  });

  it('its user may write logs no more, which is for whoever reads the log of the server', async () => {
    await server.admin.acl('SETUSER', 'limited', 'on', '>secret', '~*', '&*', '+@all');
    const limited = await startApi({ valkeyUrl: server.url.replace('//', '//limited:secret@') });
    const status = async (transactionId: string) => {
      const { data, errors } = await limited.ask<{ recordTransaction: { status: string } }>(
        'mutation ($input: TransactionInput!) { recordTransaction(input: $input) { status } }',
        { input: { transactionId, userId: 'limited', merchantId: 'limited', amount: 1 } },
      );
      return data?.recordTransaction.status ?? errors?.[0]?.extensions.code;
    };
    try {
      expect(await status('1')).toBe('RECORDED'); // by the store itself, as the first of an entity
      await server.admin.acl('SETUSER', 'limited', '-setrange');
      expect(await status('2')).toBe('INTERNAL_SERVER_ERROR');
      expect(
        limited.log.filter((line) => /A request failed.*NOPERM.*setrange|NOPERM.*setrange.*A request/.test(line)),
      ).toHaveLength(1);
      await server.admin.acl('SETUSER', 'limited', '+setrange');
      expect(await status('2')).toBe('RECORDED');
    } finally {
      await limited.stop();
    }
  });
});

describe('a Valkey on which nothing could work is refused at the start, and why is said:', () => {
  it('it has no functions', async () => {
    const without = await ServerProcess.start({
      configuration: async () => ['--save', '', '--rename-command', 'FUNCTION', ''],
    });
    try {
      await expect(startApi({ valkeyUrl: without.url })).rejects.toThrow(
        /functions are not allowed.*choose one that has/,
      );
    } finally {
      await without.destroy();
    }
  });

  it('this user may not call them', async () => {
    await server.admin.acl('SETUSER', 'limited', 'on', '>secret', '~*', '&*', '+@all', '-function');
    const valkeyUrl = server.url.replace('//', '//limited:secret@');
    await expect(startApi({ valkeyUrl })).rejects.toThrow(
      /functions are not allowed.*allow this user \+function\|load/,
    );
  });

  it('it is too old', async () => {
    // What Redis 6 says of itself; there is none here to ask.
    const old = createServer((socket) => {
      const said = 'redis_version:6.2.14\r\n';
      socket.on('data', (chunk) => {
        const commands = chunk.toString().match(/^\*\d+\r$/gm) ?? [];
        socket.write(`$${said.length}\r\n${said}\r\n`.repeat(commands.length));
      });
      socket.on('error', () => {});
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => old.once('listening', resolve));
    const { port } = old.address() as { port: number };
    try {
      const valkeyUrl = `valkey://127.0.0.1:${port}`;
      await expect(startApi({ valkeyUrl })).rejects.toThrow(
        /version 6.2, and Valkey 7.2 or Redis 7.0 or newer is needed/,
      );
    } finally {
      old.close();
    }
  });
});
