import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { startApi, type TestApi } from '../../support/api.ts';
import { until } from '../../support/until.ts';

const times = { headersMs: 400, requestMs: 1_000, keepAliveMs: 400, answerMs: 1_500 };
const byteMs = 100;
/** Longer than any of these times, and than how exact Node is about them, on a machine that is busy. */
const boundedMs = 15_000;

let api: TestApi;
const clients: Client[] = [];

beforeAll(async () => {
  api = await startApi({ guard: { times }, hotAfter: 1 });
});
afterEach(() => {
  for (const { socket } of clients.splice(0)) socket.destroy();
});
afterAll(() => api?.stop());

/** A client that does as it is told, and notes what it hears and when it is let go. */
class Client {
  readonly socket: Socket;
  heard = '';
  isLetGo = false;

  constructor(socket: Socket, { reads = true } = {}) {
    this.socket = socket;
    clients.push(this);
    socket.on('error', () => {});
    socket.once('close', () => {
      this.isLetGo = true;
    });
    if (reads)
      socket.on('data', (chunk: Buffer) => {
        this.heard += chunk.toString('latin1');
      });
    else socket.pause();
  }

  static async dial(options?: { readonly reads?: boolean }): Promise<Client> {
    const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
    await once(socket, 'connect');
    return new Client(socket, options);
  }

  /** Says it a byte at a time, until it is let go. */
  async trickle(text: string): Promise<void> {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length && !this.isLetGo; at++) {
      this.socket.write(bytes.subarray(at, at + 1));
      await new Promise((resolve) => setTimeout(resolve, byteMs));
    }
  }

  letGo(): Promise<unknown> {
    return until(() => this.isLetGo, boundedMs);
  }
}

const long = 'x'.repeat(1_000);
const post = 'POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';
const handshake =
  'GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n';

describe('a client that speaks too slowly is let go', () => {
  it.each([
    ['a byte of a head at a time', '', `GET /livez HTTP/1.1\r\nX: ${long}`, /^HTTP\/1\.1 408 /],
    ['a byte of a plain head at a time', '', `${post}X: ${long}`, /^HTTP\/1\.1 408 /],
    ['a byte of a body at a time', `${post}Content-Length: 1000\r\n\r\n`, long, /^HTTP\/1\.1 408 /],
    [
      'a byte of a body of no known length at a time',
      `${post}Transfer-Encoding: chunked\r\n\r\n3e8\r\n`,
      long,
      /^HTTP\/1\.1 408 /,
    ],
    ['half a handshake', handshake, `X: ${long}`, /^HTTP\/1\.1 408 /],
    ['empty lines', '', '\r\n'.repeat(500), /^HTTP\/1\.1 4|^$/],
  ])('with %s', async (_, atOnce, slowly, answer) => {
    const client = await Client.dial();
    client.socket.write(atOnce);
    void client.trickle(slowly);
    await client.letGo();
    expect(client.heard).toMatch(answer);
  });

  it.each(['', 'GET /livez HTTP/1.1\r\nHost: x\r\n', `${post}Content-Length: 10\r\n\r\n{`])(
    'with nothing after %j',
    async (begun) => {
      const client = await Client.dial();
      client.socket.write(begun);
      await client.letGo();
      expect(client.heard).toMatch(/^HTTP\/1\.1 408 /);
    },
  );

  it('with nothing more after it was answered', async () => {
    for (const ask of [
      `${post}Content-Length: 24\r\n\r\n{"query":"{__typename}"}`,
      'GET /livez HTTP/1.1\r\nHost: x\r\n\r\n',
    ]) {
      const client = await Client.dial();
      client.socket.write(ask);
      await client.letGo();
      expect(client.heard).toMatch(/^HTTP\/1\.1 200 /);
    }
  });
});

describe('a client that reads nothing of a long answer is let go', () => {
  const ids = Array.from({ length: 1_000 }, (_, n) => `u${n}`);
  const fields = Array.from({ length: 99 }, (_, n) => `a${n}_${'x'.repeat(60)}: txnCount1h`).join(' ');
  const query = 'query ($ids: [ID!]!) { users(ids: $ids) { riskProfile { FIELDS } } }'.replace('FIELDS', fields);
  const body = JSON.stringify({ query, variables: { ids } });
  const ask = `${post}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

  it("by Node's HTTP", async () => {
    const client = await Client.dial({ reads: false });
    client.socket.write('GET /graphql HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\n\r\n');
    await until(() => api.server.connections.some((one) => one.writableLength > 0));
    await until(() => api.server.connections.length === 0, boundedMs);
  });

  it('by a stand-in, and by the plain way', async () => {
    for (const way of ['reference', 'plain'] as const) {
      const before = api.server.ways[way];
      const client = await Client.dial({ reads: false });
      client.socket.write(ask);
      await until(() => api.server.ways[way] > before && api.server.connections.some((one) => one.writableLength > 0));
      await until(() => api.server.connections.length === 0, 2 * boundedMs);
      // It becomes hot.
      await api.ask(query, { ids }, { accept: 'application/json', connection: 'close' });
    }
  });

  it('but one that reads slowly has all of it', async () => {
    const client = await Client.dial({ reads: false });
    client.socket.write('GET /graphql HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\nConnection: close\r\n\r\n');
    let bytes = 0;
    const begun = performance.now();
    while (!client.isLetGo) {
      await new Promise((resolve) => setTimeout(resolve, 25));
      bytes += (client.socket.read() as Buffer | null)?.length ?? 0;
    }
    // Longer than one that reads nothing has.
    expect(performance.now() - begun).toBeGreaterThan(times.answerMs);
    expect(bytes).toBeGreaterThan(9_000_000);
  });
});

describe('over a WebSocket, a client is let go', () => {
  const end = '\r\n';
  /** A text frame of 1,000 bytes, of which the mask leaves all as it is, and half of it. */
  const frame = Buffer.concat([Buffer.from([0x81, 0xfe, 0x03, 0xe8, 0, 0, 0, 0]), Buffer.alloc(1_000, 'x')]);
  const init = Buffer.from('{"type":"connection_init"}');
  const initFrame = Buffer.concat([Buffer.from([0x81, 0x80 | init.length, 0, 0, 0, 0]), init]);

  it('that says nothing after the handshake, or half a frame', async () => {
    for (const said of [Buffer.alloc(0), frame.subarray(0, 500)]) {
      const client = await Client.dial();
      client.socket.write(handshake + end);
      await until(() => client.heard.includes('101 Switching Protocols'));
      client.socket.write(said);
      // 4408, of connection_init; and then it is for the client to close.
      await until(() => client.heard.includes('\x11\x38Connection initialisation timeout'), boundedMs);
      client.socket.end();
      await client.letGo();
    }
  });

  it('that begins a frame and says no more, when it is asked whether it is there', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    try {
      const client = await Client.dial();
      client.socket.write(handshake + end);
      await until(() => client.heard.includes('101 Switching Protocols'));
      client.socket.write(initFrame);
      await until(() => client.heard.includes('connection_ack'));
      client.socket.write(frame.subarray(0, 500));
      for (let beat = 0; beat < 3 && !client.isLetGo; beat++) {
        vi.advanceTimersByTime(12_000);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      await client.letGo();
    } finally {
      vi.useRealTimers();
    }
  });
});
