import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Connections } from '../../../src/server/connections.ts';
import { Entrance } from '../../../src/server/entrance.ts';
import { Guard } from '../../../src/server/guard/guard.ts';
import type { ShortWay } from '../../../src/server/http/short-way.ts';
import { attendPlainly } from '../../../src/server/plain/plain-connections.ts';
import { until } from '../../support/until.ts';

const patient = { headersTimeout: 60_000, requestTimeout: 60_000, keepAliveTimeout: 60_000 };
const request = 'POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}';

const named = (name: string) => request.replace('Host: x', `Host: x\r\nX-Name: ${name}`);

let server: Server;
let connections: Connections;
/** The server's ends. */
const sockets: Socket[] = [];
const clients: Socket[] = [];
const faults: unknown[] = [];
/** What Node was asked, which answers later where it is to. */
const asked: string[] = [];
let isNodeSlow = false;
/** Nothing goes the short way. */
let run: ShortWay['run'];

beforeEach(() => {
  sockets.length = faults.length = asked.length = 0;
  isNodeSlow = false;
  run = () => null;
});
afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
  server.close();
});

/** A server whose clients have so much time, and a client of it. */
async function dial(times: Partial<typeof patient>): Promise<{ readonly client: Socket; heard(): string }> {
  server = createServer();
  Object.assign(server, patient, times);
  connections = new Connections(server, () => {});
  attendPlainly(server, {
    shortWay: { run: (sent, caller, client) => run(sent, caller, client), counts: {} } as ShortWay,
    entrance: new Entrance(null),
    bodyLimitBytes: 1_000,
    guard: new Guard(),
    connections,
    onAnswered: () => {},
    onFault: (error) => faults.push(error),
  });
  server.on('request', ({ headers }, response) => {
    asked.push(String(headers['x-name']));
    const answer = () => response.end('by Node');
    if (isNodeSlow) server.once('answer', answer);
    else answer();
  });
  server.on('connection', (socket) => sockets.push(socket));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  clients.push(client);
  let heard = '';
  client.on('data', (chunk) => {
    heard += chunk;
  });
  client.on('error', () => {});
  await once(client, 'connect');
  return { client, heard: () => heard };
}

describe('a plain connection', () => {
  it('that asks nothing at first is told so, and closed', async () => {
    const { client, heard } = await dial({ headersTimeout: 50 });
    await once(client, 'close');
    expect(heard()).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('that asks nothing more is closed, and has time for that', async () => {
    const { client, heard } = await dial({ headersTimeout: 50, keepAliveTimeout: 200 });
    client.write(request);
    await until(() => heard().endsWith('by Node'));
    const from = performance.now();
    await once(client, 'close');
    // What Node has beyond what it says, so that who asks at the last moment is answered.
    expect(performance.now() - from).toBeGreaterThan(1_000);
    expect(heard()).not.toContain('408');
  });

  it('that asks in the middle of which nothing comes is told so, and closed', async () => {
    const { client, heard } = await dial({ requestTimeout: 50 });
    client.write(request.slice(0, -1));
    await once(client, 'close');
    expect(heard()).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('is not closed while it waits for its answer, and has its time then', async () => {
    const { promise, resolve } = Promise.withResolvers<Awaited<ReturnType<ShortWay['run']>>>();
    run = () => promise as ReturnType<ShortWay['run']>;
    const { client, heard } = await dial({ keepAliveTimeout: 50 });
    client.write(request);
    await until(() => sockets[0]?.bytesRead === request.length);
    const timedOut = once(sockets[0] as Socket, 'timeout');
    await timedOut;
    resolve({ kind: 'written', data: '{}' });
    await once(client, 'close');
    expect(heard()).toMatch(/^HTTP\/1\.1 200 [\s\S]*\{"data":\{\}\}$/);
  });

  it('is answered for the last time when the server drains in the middle of a request', async () => {
    const { client, heard } = await dial({});
    client.write(request.slice(0, -1));
    await until(() => sockets[0]?.bytesRead === request.length - 1);
    connections.drain();
    client.write(request.slice(-1));
    await once(client, 'close');
    expect(heard()).toMatch(/^HTTP\/1\.1 200 [\s\S]*connection: close\r[\s\S]*by Node$/m);
  });

  it('is asked for no more than that then, whatever comes behind it', async () => {
    const { client, heard } = await dial({});
    client.write(named('a').slice(0, -1));
    await until(() => sockets[0]?.bytesRead === named('a').length - 1);
    connections.drain();
    client.write(named('a').slice(-1) + named('b'));
    await once(client, 'close');
    expect(heard()).toMatch(/^HTTP\/1\.1 200 [\s\S]*connection: close\r[\s\S]*by Node$/m);
    expect(asked).toEqual(['a']);
  });

  it('is asked for no more than what Node answers when the server drains', async () => {
    isNodeSlow = true;
    const { client, heard } = await dial({});
    client.write(named('a'));
    await until(() => asked.length === 1);
    client.write(named('b'));
    await until(() => sockets[0]?.bytesRead === 2 * named('a').length);
    connections.drain();
    server.emit('answer');
    await once(client, 'close');
    expect(heard()).toMatch(/^HTTP\/1\.1 200 [\s\S]*connection: close\r[\s\S]*by Node$/m);
    expect(asked).toEqual(['a']);
  });

  it('is broken when its time is over, though its client takes nothing', async () => {
    let answered = 0;
    run = () => {
      answered += 1;
      return Promise.resolve({ kind: 'written', data: `"${'x'.repeat(20_000)}"` });
    };
    const { client } = await dial({ requestTimeout: 50 });
    client.pause();
    for (let nth = 1; (sockets[0]?.writableLength ?? 0) === 0; nth++) {
      client.write(request);
      await until(() => answered === nth);
    }
    expect(sockets[0]?.writableNeedDrain).toBe(false);
    client.write(request.slice(0, -1));
    await until(() => sockets[0]?.destroyed);
  });

  it('has its long answer whole, though others are answered before it has taken all', async () => {
    const answers = ['é', 'b'].map((one) => one.repeat(4_000_000));
    run = () => Promise.resolve({ kind: 'written', data: `"${answers.shift()}"` });
    const slow = await dial({});
    slow.client.pause().setEncoding('utf8');
    slow.client.write(request);
    await until(() => (sockets[0]?.writableLength ?? 0) > 0);
    const quick = connect((server.address() as AddressInfo).port, '127.0.0.1');
    clients.push(quick);
    let heard = 0;
    quick.on('data', (chunk) => {
      heard += chunk.length;
    });
    quick.write(request);
    await until(() => heard > 4_000_000);
    slow.client.resume();
    await until(() => slow.heard().endsWith('"}'));
    expect(slow.heard()).toContain('content-length: 8000011\r\n');
    expect(slow.heard().match(/é/g)?.length).toBe(4_000_000);
  });

  it('is not read without end before it is answered', async () => {
    run = () => new Promise(() => {});
    const { client } = await dial({});
    client.write(request);
    await until(() => sockets[0]?.bytesRead === request.length);
    client.write('x'.repeat(10_000_000));
    await until(() => sockets[0]?.isPaused());
    expect(sockets[0]?.bytesRead).toBeLessThan(1_000_000);
  });

  it('is closed at once when the server drains and it has asked nothing, or was answered', async () => {
    for (const asked of ['', request]) {
      const { client, heard } = await dial({});
      if (asked !== '') client.write(asked);
      await until(() => heard().endsWith(asked && 'by Node') && sockets.length > 0);
      connections.drain();
      await once(client, 'close');
      server.close();
    }
  });

  it('alone is lost by what is wrong with us', async () => {
    for (const failing of [
      () => {
        throw new Error('at once');
      },
      () => Promise.reject(new Error('later')),
    ]) {
      run = failing;
      const { client, heard } = await dial({});
      client.write(request);
      await once(client, 'close');
      expect(heard()).toBe('');
      server.close();
    }
    expect(faults).toEqual([new Error('at once'), new Error('later')]);
  });

  it('takes no more of a client that reads nothing', async () => {
    run = () => Promise.resolve({ kind: 'written', data: `"${'x'.repeat(5_000_000)}"` });
    const { client, heard } = await dial({});
    client.pause();
    client.write(request);
    await until(() => sockets[0]?.writableNeedDrain);
    client.write(request);
    await until(() => sockets[0]?.isPaused());
    client.resume();
    await until(() => heard().length > 10_000_000);
    expect(sockets[0]?.isPaused()).toBe(false);
  });
});
