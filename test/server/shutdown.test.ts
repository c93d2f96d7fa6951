import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { pino } from 'pino';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { WebSocket } from 'ws';
import { runSteps } from '../../src/server/shutdown.ts';
import { type ApiClient, ApiProcess, newKeyPrefix } from '../support/api.ts';
import { ReservedStream } from '../support/reserved-stream.ts';
import { until } from '../support/until.ts';

const running: ApiProcess[] = [];

afterEach(() => {
  for (const api of running.splice(0)) api.child.kill('SIGKILL');
});

async function start(): Promise<{ process: ApiProcess; api: ApiClient }> {
  const process = new ApiProcess({ VALKEY_URL: inject('valkeyUrl'), FRESHET_KEY_PREFIX: newKeyPrefix() });
  running.push(process);
  return { process, api: await process.listening() };
}

const body = JSON.stringify({ query: '{ user(id: "u") { riskProfile { txnCount1h } } }' });

/** A request of which the server has the head and half of the body. */
async function halfARequest(api: ApiClient): Promise<{ socket: Socket; finish(): Promise<string> }> {
  const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
  let answer = '';
  socket.on('data', (chunk) => {
    answer += chunk;
  });
  socket.on('error', () => {});
  const head = `POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: ${body.length}\r\n\r\n`;
  socket.write(head);
  await until(() => answer.includes('100 Continue'));
  socket.write(body.slice(0, 10));
  return {
    socket,
    async finish() {
      socket.write(body.slice(10));
      await once(socket, 'close');
      return answer;
    },
  };
}

const subscription = '{"query":"subscription { userRiskProfileUpdated(userIds: [\\"u\\"]) { cause } }"}';

describe.each(['SIGTERM', 'SIGINT'] as const)('at %s', (signal) => {
  it('clients are let go without a word that this was all, requests under way are answered, and it ends well', async () => {
    const { process, api } = await start();
    const request = await halfARequest(api);

    const socket = new WebSocket(api.webSocketUrl, 'graphql-transport-ws');
    const messages: unknown[] = [];
    socket.on('message', (data) => messages.push(JSON.parse(String(data))));
    const closed = once(socket, 'close');
    await once(socket, 'open');
    socket.send('{"type":"connection_init"}');
    await until(() => messages.length === 1);
    socket.send(`{"type":"subscribe","id":"1","payload":${subscription}}`);
    await until(() => messages.length === 2);

    const stream = await fetch(api.graphqlUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: subscription,
    });
    const events = stream.text();
    const reserved = await ReservedStream.reserve(api.graphqlUrl);
    await ReservedStream.reserve(api.graphqlUrl); // nobody opens it, and nobody waits for that
    const shared = await reserved.open();
    await reserved.ask('w', JSON.parse(subscription).query);
    await until(() => shared.events.length === 1);
    const idle = connect(Number(new URL(api.url).port), '127.0.0.1');
    await once(idle, 'connect');

    process.child.kill(signal);
    const [code] = await closed;
    expect(code).toBe(1001);
    // A client that heard `complete` would not come back to the server that takes this one's place.
    expect(messages).toMatchObject([{ type: 'connection_ack' }, { type: 'next' }]);
    expect(await events).toMatch(/"cause":"SNAPSHOT"[^\n]*\n\n(:\n\n)*$/);
    await shared.closed();
    expect(shared.events).toMatchObject([{ event: 'next' }]);
    expect(shared.response.complete).toBe(true);
    await expect(api.get('/livez')).rejects.toThrow();

    const answer = await request.finish();
    expect(answer).toMatch(/HTTP\/1.1 200 OK/);
    expect(answer).toContain('{"data":{"user":{"riskProfile":{"txnCount1h":0}}}}');
    expect(await process.exited).toBe(0);
  });
});

describe('a second signal', () => {
  it('at once is the same request: npm passes on what its group was sent', async () => {
    const { process, api } = await start();
    const request = await halfARequest(api);
    // Not the same one twice: the system may make one of those.
    process.child.kill('SIGTERM');
    process.child.kill('SIGINT');
    await until(() =>
      api.get('/livez').then(
        () => false,
        () => true,
      ),
    );
    expect(await request.finish()).toMatch(/HTTP\/1.1 200 OK/);
    expect(await process.exited).toBe(0);
  });

  it('later ends the process at once, whatever is under way', async () => {
    const { process, api } = await start();
    const { socket } = await halfARequest(api);
    // Until it is taken for a second request.
    await until(() => {
      process.child.kill('SIGTERM');
      return process.child.exitCode !== null;
    });
    expect(await process.exited).toBe(1);
    expect(process.output).toContain('leaving at once');
    socket.destroy();
  });
});

describe('the exit code', () => {
  const module = new URL('../../src/server/shutdown.ts', import.meta.url);

  /** What a process exits with that shuts down with this code, by this only step. */
  async function exitCode(code: number, step: 'done' | 'forced'): Promise<unknown> {
    const script = `
      import { shutDownOnSignal } from ${JSON.stringify(module)};
      const log = { info() {}, warn() {}, error() {} };
      const done = null;
      const { promise: forced, resolve: force } = Promise.withResolvers();
      shutDownOnSignal({ log, steps: [() => ${step}], force, deadlineMs: 20 })('it is time', ${code});
    `;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: 'ignore' });
    const [status] = await once(child, 'exit');
    return status;
  }

  it('is that of the reason, and of a failure when the steps took too long', async () => {
    const codes = [exitCode(0, 'done'), exitCode(3, 'done'), exitCode(0, 'forced')];
    expect(await Promise.all(codes)).toEqual([0, 3, 1]);
  });
});

describe('the steps of a shutdown', () => {
  const log = pino({ level: 'silent' });

  it('are taken one after the other, whatever fails', async () => {
    const taken: string[] = [];
    const steps = [
      async () => void taken.push('first'),
      () => Promise.reject(new Error('broken')),
      () => void taken.push('last'),
    ];
    expect(await runSteps({ log, steps, force: () => taken.push('force') })).toBe(true);
    expect(taken).toEqual(['first', 'last']);
  });

  it('are forced at the deadline, and the rest is still done', async () => {
    const taken: string[] = [];
    const stuck = Promise.withResolvers<void>();
    const force = () => {
      taken.push('force');
      stuck.resolve();
    };
    const steps = [() => stuck.promise, () => void taken.push('last')];
    expect(await runSteps({ log, steps, force, deadlineMs: 20 })).toBe(false);
    expect(taken).toEqual(['force', 'last']);
  });
});
