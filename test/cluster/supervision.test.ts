import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, inject, it, vi } from 'vitest';
import { newKeyPrefix } from '../support/api.ts';
import { until } from '../support/until.ts';
import { runs, type WorkerConnection, Workers } from '../support/workers.ts';

/** For a process to start, on a machine that does much else. */
const startMs = 30_000; // 30 seconds
vi.setConfig({ testTimeout: 3 * startMs });

const running: Workers[] = [];
const folders: string[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((service) => service.process.stop()));
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

const given = () => ({ VALKEY_URL: inject('valkeyUrl'), FRESHET_KEY_PREFIX: newKeyPrefix() });

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'freshet-test-'));
  folders.push(folder);
  return folder;
}

function launch(settings: { readonly [name: string]: string }): Workers {
  const service = new Workers(2, settings);
  running.push(service);
  return service;
}

async function start(settings: { readonly [name: string]: string } = given()): Promise<Workers> {
  const service = await Workers.start(2, settings);
  running.push(service);
  return service;
}

/** A request of which a worker has the head, until it is let go of. */
async function halfARequest(service: Workers): Promise<() => Promise<string>> {
  const body = '{"query":"{ user(id: \\"u\\") { riskProfile { txnCount1h } } }"}';
  const socket = connect(Number(new URL(service.url).port), '127.0.0.1');
  let answer = '';
  socket
    .on('error', () => {})
    .on('data', (chunk) => {
      answer += chunk;
    });
  const head = 'POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nExpect: 100-continue';
  socket.write(`${head}\r\nContent-Length: ${body.length}\r\n\r\n`);
  await until(() => answer.includes('100 Continue'));
  return async () => {
    socket.write(body);
    await once(socket, 'close');
    return answer;
  };
}

const answered = /HTTP\/1\.1 200 OK[\s\S]*"txnCount1h":0/;

/** That none of its processes is left, nor what they shared. */
async function expectNothingLeft(service: Workers, sockets: string): Promise<void> {
  await until(() => !service.pids.some(runs));
  expect(await readdir(sockets)).toEqual([]);
}

async function warnings(connection: WorkerConnection): Promise<string> {
  return (await connection.ask('GET', '/readyz')).text;
}

async function ask(connection: WorkerConnection): Promise<unknown> {
  return connection.graphql('{ user(id: "u") { riskProfile { txnCount1h } } }');
}

const empty = { data: { user: { riskProfile: { txnCount1h: 0 } } } };

describe('a worker that is killed', () => {
  it('is replaced, while the others serve on, say so, and tell of it in the log', async () => {
    const service = await start();
    const first = await service.connectTo(1);
    expect(await warnings(first)).toContain('"warnings":[]');
    const [killed = 0] = service.pidsOf(2);
    process.kill(killed, 'SIGKILL');
    await until(async () => (await warnings(first)).includes('1 of 2 workers serve'));
    expect(await ask(first)).toEqual(empty);
    await until(() => service.pidsOf(2).length === 2, startMs);
    const second = await service.connectTo(2);
    expect(await ask(second)).toEqual(empty);
    for (const each of [first, second]) expect(await warnings(each)).toContain('"warnings":[]');
    const line = service.log.find(({ msg }) => msg.startsWith('Worker 2 ended'));
    expect(line).toMatchObject({ level: 50, worker: 2, workerPid: killed, signal: 'SIGKILL', lost: 1, pauseMs: 100 });

    // Who ends again and again is replaced ever later.
    process.kill(service.pidsOf(2)[1] as number, 'SIGKILL');
    await until(() => service.pidsOf(2).length === 3, startMs);
    expect(service.log.findLast(({ msg }) => msg.startsWith('Worker 2 ended'))).toMatchObject({
      lost: 2,
      pauseMs: 200,
    });
  });

  it('takes the streams it held along, of which nobody knows any more', async () => {
    const service = await start();
    const [holder, other] = [await service.connectTo(2), await service.connectTo(1)];
    const { text: token } = await holder.ask('PUT', '/graphql');
    const headers = { 'x-graphql-event-stream-token': token };
    const stream = await other.open('GET', '/graphql', { ...headers, accept: 'text/event-stream' });
    stream.on('error', () => {}).resume();
    process.kill(service.pidsOf(2)[0] as number, 'SIGKILL');
    await until(() => stream.closed);
    expect(stream.complete).toBe(false);
    const asking = await service.connectTo(1);
    const body = { query: '{ __typename }', extensions: { operationId: 'q' } };
    expect((await asking.ask('POST', '/graphql', headers, body)).status).toBe(404);
    await until(() => service.pidsOf(2).length === 2, startMs);
    expect((await asking.ask('POST', '/graphql', headers, body)).status).toBe(404);
  });

  it('leaves no client waiting whose connection it was given and had not taken', async () => {
    const service = await start();
    const [stopped = 0] = service.pidsOf(2);
    process.kill(stopped, 'SIGSTOP');
    const clients = Array.from({ length: 2 }, () => connect(Number(new URL(service.url).port), '127.0.0.1'));
    const answered = clients.map(async (client) => {
      client.on('error', () => {}).write('GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
      let said = '';
      for await (const chunk of client) said += chunk;
      return said;
    });
    expect(await Promise.race(answered)).toContain('200 OK');
    process.kill(stopped, 'SIGKILL');
    const all = await Promise.allSettled(answered);
    expect(all.filter((one) => one.status === 'fulfilled' && one.value.includes('200 OK'))).toHaveLength(1);
  });

  it('is followed at the same port also where none is left, and any free port was asked for', async () => {
    const service = await start();
    for (const pid of service.pids) process.kill(pid, 'SIGKILL');
    await until(() => service.pidsOf(1).length === 2 && service.pidsOf(2).length === 2, startMs);
    expect(await ask(await service.connect())).toEqual(empty);
    expect(service.log.filter(({ msg }) => msg.includes('came too late'))).toEqual([]);
  });
});

describe('at SIGTERM', () => {
  it('all workers answer what is under way, and leave nothing', async () => {
    const sockets = await newFolder();
    const service = await start({ ...given(), TMPDIR: sockets });
    const requests = [await halfARequest(service), await halfARequest(service), await halfARequest(service)];
    const watching = await service.connectTo(2);
    const query = 'subscription { userRiskProfileUpdated(userIds: ["u"]) { cause } }';
    const stream = await watching.open('POST', '/graphql', { accept: 'text/event-stream' }, { query });
    stream.on('error', () => {}).resume();
    // Not `exited`, which waits for all that write to the same output.
    const primaryEnded = once(service.process.child, 'exit').then(() => service.pids.filter(runs));
    service.process.child.kill('SIGTERM');
    await until(() => stream.complete);
    for (const finish of requests) expect(await finish()).toMatch(answered);
    expect(await primaryEnded).toEqual([]);
    expect(await service.process.exited).toBe(0);
    await expectNothingLeft(service, sockets);
  });
});

describe('a signal', () => {
  it('to all processes of a terminal is for the primary, which has them end in order', async () => {
    const service = await start();
    const finish = await halfARequest(service);
    process.kill(-(service.process.child.pid as number), 'SIGINT');
    await until(() => service.log.filter(({ msg, worker }) => worker && msg.startsWith('Shutting down')).length === 2);
    expect(await finish()).toMatch(answered);
    expect(await service.process.exited).toBe(0);
    expect(service.log.filter(({ msg }) => msg.includes('takes its place'))).toEqual([]);
  });

  it('to a worker alone does not end it', async () => {
    const service = await start();
    const connection = await service.connectTo(1);
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.kill(service.pidsOf(1)[0] as number, signal);
    expect(await ask(connection)).toEqual(empty);
    service.process.child.kill('SIGTERM');
    expect(await service.process.exited).toBe(0);
    expect(service.pidsOf(1)).toHaveLength(1);
    expect(service.process.output).not.toContain('takes its place');
  });

  it('that comes again later ends all of them at once', async () => {
    const sockets = await newFolder();
    const service = await start({ ...given(), TMPDIR: sockets });
    await halfARequest(service);
    await until(() => {
      service.process.child.kill('SIGTERM');
      return service.process.child.exitCode !== null;
    });
    // Sooner than they would give up waiting.
    await until(() => !service.pids.some(runs), 3_000);
    expect(await service.process.exited).toBe(1);
    expect(service.process.output).toContain('leaving at once');
    await expectNothingLeft(service, sockets);
  });

  it('before they serve ends them as it ends one process', async () => {
    const service = launch(given());
    await until(() => service.log.some(({ worker }) => worker !== undefined), startMs);
    service.process.child.kill('SIGTERM');
    expect(await service.process.exited).toBe(143);
  });

  it.runIf(process.platform === 'linux')('that comes to a worker while it starts is one to all', async () => {
    const service = launch(given());
    const { pid } = service.process.child;
    const worker = await until(async () => {
      const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
      return Number(children.split(' ')[0]) || null;
    });
    process.kill(worker, 'SIGINT');
    expect(await service.process.exited).toBe(130);
    expect(service.process.output).not.toContain('before it served');
  });
});

describe('workers whose primary is killed', () => {
  it('answer what is under way, and end', async () => {
    const sockets = await newFolder();
    const service = await start({ ...given(), TMPDIR: sockets });
    const finish = await halfARequest(service);
    service.process.child.kill('SIGKILL');
    expect(await finish()).toMatch(answered);
    await expectNothingLeft(service, sockets);
  });
});

describe('workers on a Valkey of their own', () => {
  it('share it, and end with it', async () => {
    const folder = await newFolder();
    const service = await start({ FRESHET_DATA_DIR: folder });
    const stores = service.log.flatMap(({ msg }) => /Connected to (\S+)/.exec(msg)?.[1] ?? []);
    expect(stores).toHaveLength(2);
    expect(new Set(stores).size).toBe(1);
    const { valkeyPid } = JSON.parse(await readFile(join(folder, 'freshet.lock'), 'utf8')) as { valkeyPid: number };
    process.kill(valkeyPid, 'SIGKILL');
    expect(await service.process.exited).toBe(1);
    expect(service.process.output.match(/^The embedded Valkey ended by SIGKILL\./gm)).toHaveLength(1);
    await until(() => !service.pids.some(runs));
  });

  it('let it end after them, and its data be taken over', async () => {
    const env = { FRESHET_DATA_DIR: await newFolder() };
    const service = await start(env);
    const finish = await halfARequest(service);
    service.process.child.kill('SIGTERM');
    await until(() => service.log.filter(({ msg, worker }) => worker && msg.startsWith('Shutting down')).length === 2);
    expect(await finish()).toMatch(answered);
    expect(await service.process.exited).toBe(0);
    expect(existsSync(join(env.FRESHET_DATA_DIR, 'freshet.lock'))).toBe(false);
    const next = await start(env);
    next.process.child.kill('SIGKILL'); // what it leaves behind, the one after it finds
    await until(() => !next.pids.some(runs));
    expect(await ask(await (await start(env)).connect())).toEqual(empty);
  });
});

describe('workers that cannot start', () => {
  it('say once that their port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    const service = launch({ ...given(), PORT: String(port) });
    expect(await service.process.exited).toBe(1);
    expect(service.process.output.match(new RegExp(`^Port ${port} on 127.0.0.1 is taken`, 'gm'))).toHaveLength(1);
    expect(service.process.output).not.toMatch(/listens on| at .*\.ts:|takes its place/);
    other.close();
  });

  it('say once that their store is of another clock', async () => {
    const env = given();
    await start(env);
    const service = launch({ ...env, FRESHET_CLOCK: 'event' });
    expect(await service.process.exited).toBe(1);
    expect(service.process.output.match(/^.*clock.*$/gm)).toHaveLength(1);
  });

  it('say once that there is no room for what they share', async () => {
    const service = launch({ ...given(), TMPDIR: '/proc/nowhere' });
    expect(await service.process.exited).toBe(1);
    expect(
      service.process.output.match(/^Workers need a folder in \/proc\/nowhere: ENOENT.* set TMPDIR/gm),
    ).toHaveLength(1);
  });

  it('say so, and end, also when that turns out once their store is there', async () => {
    const { hostname, port } = new URL(inject('valkeyUrl'));
    let isThere = false;
    const door = createServer((client) => {
      if (!isThere) return client.destroy();
      const store = connect(Number(port), hostname);
      store.on('error', () => client.destroy()).pipe(client);
      return client.on('error', () => store.destroy()).pipe(store);
    }).listen(0, '127.0.0.1');
    await once(door, 'listening');
    const { port: doorPort } = door.address() as { port: number };
    const service = await start({ VALKEY_URL: `valkey://nobody:wrong@127.0.0.1:${doorPort}` });
    isThere = true;
    expect(await service.process.exited).toBe(1);
    expect(service.process.output.match(/^Valkey refuses the user name or password/gm)).toHaveLength(1);
    door.close();
  });

  it('say once what is wrong with their configuration', async () => {
    const service = launch({ ...given(), WORKERS: '65', PORT: 'x' });
    expect(await service.process.exited).toBe(1);
    expect(service.process.output.trim().split('\n')).toEqual([
      'The configuration is wrong:',
      '  - PORT: expected a port from 0 to 65535, got "x"',
      '  - WORKERS: expected a whole number from 1 to 64, got "65"',
    ]);
  });
});
