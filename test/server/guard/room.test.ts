import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, inject, it, onTestFinished } from 'vitest';
import { type ApiClient, ApiProcess, newKeyPrefix, startApi, type TestApi } from '../../support/api.ts';
import { EventStream } from '../../support/event-stream.ts';
import { Scrape } from '../../support/prometheus-text.ts';
import { until } from '../../support/until.ts';

/** Of 600 KB a client may take half; a byte of a body takes three, after the first 48 KB. */
const guard = { requestRoomBytes: 600_000 };
const long = JSON.stringify({ query: '{ __typename }' }).padEnd(100_000);

let api: TestApi;
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await api?.stop();
});

async function dial({ url }: ApiClient, localAddress = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1', localAddress });
  sockets.push(socket.on('error', () => {}));
  await once(socket, 'connect');
  return socket;
}

const head = (...lines: string[]) =>
  ['POST /graphql HTTP/1.1', 'Host: x', 'Content-Type: application/json', ...lines, '', ''].join('\r\n');

async function answer(localAddress: string, body: string): Promise<string> {
  const socket = await dial(api, localAddress);
  let heard = '';
  socket.setEncoding('utf8').on('data', (text) => {
    heard += text;
  });
  socket.write(`${head('Connection: close', `Content-Length: ${body.length}`)}${body}`);
  await once(socket, 'close');
  return heard;
}

const taken = async () => (await Scrape.of(api.url)).sum('freshet_request_room_bytes');

/** Sends a body but for its end, and returns once so much of it is held. */
async function holdBack(localAddress: string): Promise<Socket> {
  const before = await taken();
  const socket = await dial(api, localAddress);
  socket.write(head('Content-Length: 80001') + ' '.repeat(80_000));
  await until(async () => (await taken()) === before + 3 * 80_000 - 49_152);
  return socket;
}

describe('the room for what is sent', () => {
  it('is a client’s up to half of it, and all clients’ up to all; who finds none is told so, and when to come again', async () => {
    api = await startApi({ guard });
    const first = await holdBack('127.0.0.1');
    const refused = await answer('127.0.0.1', long);
    expect(refused).toMatch(/^HTTP\/1\.1 429 [\s\S]*\r\nretry-after: \d+\r\n[\s\S]*"code":"RATE_LIMITED"/i);
    expect(await answer('127.0.0.2', long)).toMatch(/^HTTP\/1\.1 200 /);
    await holdBack('127.0.0.2');
    expect(await answer('127.0.0.3', long)).toMatch(
      /^HTTP\/1\.1 503 [\s\S]*\r\nretry-after: \d+\r\n[\s\S]*"code":"UNAVAILABLE"/i,
    );
    expect((await Scrape.of(api.url)).sum('freshet_refused_total', { what: 'room' })).toBe(2);
    // Whoever sends little is served all the same.
    expect(await answer('127.0.0.1', long.trimEnd())).toMatch(/^HTTP\/1\.1 200 /);
    first.destroy();
    await until(async () => /^HTTP\/1\.1 200 /.test(await answer('127.0.0.1', long)));
  });

  it('is given back with the answer, whatever it is', async () => {
    api = await startApi({ guard });
    for (const body of [long, `${long}{`, ' '.repeat(70_000)]) {
      for (let n = 0; n < 20; n++) expect(await answer('127.0.0.1', body)).toMatch(/^HTTP\/1\.1 (200|400) /);
    }
    await until(async () => (await taken()) === 0);
  });

  it('is given back with each answer on a plain connection', async () => {
    api = await startApi({ guard });
    const socket = await dial(api);
    let heard = '';
    socket.setEncoding('utf8').on('data', (text) => {
      heard += text;
    });
    const body = long.slice(0, 60_000);
    for (let n = 1; n <= 20; n++) {
      socket.write(`${head(`Content-Length: ${body.length}`)}${body}`);
      await until(() => heard.match(/HTTP\/1\.1 200 /g)?.length === n);
    }
    await until(async () => (await taken()) === 0);
  });

  it('is given back by a stream with its first event', async () => {
    api = await startApi({ guard });
    const query = 'subscription { userRiskProfileUpdated(userIds: ["u"]) { cause } }';
    const stream = await EventStream.open(api.graphqlUrl, {
      method: 'POST',
      body: { query, extensions: { x: ' '.repeat(90_000) } },
    });
    await until(() => stream.events.length > 0);
    expect(await taken()).toBe(0);
    stream.leave();
  });
});

describe('a body', () => {
  it('of too many values is refused before any of them is made', async () => {
    api = await startApi();
    const body = (values: number) =>
      JSON.stringify({ query: '{ __typename }', extensions: { x: Array(values).fill([]) } });
    const answers = [await answer('127.0.0.1', body(100_001)), await answer('127.0.0.1', body(40_000))];
    expect(answers[0]).toMatch(/^HTTP\/1\.1 400 [\s\S]*"code":"QUERY_TOO_COMPLEX"/);
    expect(answers[1]).toMatch(/^HTTP\/1\.1 200 /);
  });

  it.each([
    ['takes little more than it has, in however small pieces it comes', {}],
    ['is not kept where its client is refused', { FRESHET_RATE_LIMIT: '1' }],
  ] as readonly [string, { readonly [name: string]: string }][])('%s', async (_, settings) => {
    const prefix = { VALKEY_URL: inject('valkeyUrl'), FRESHET_KEY_PREFIX: newKeyPrefix() };
    const process = new ApiProcess({ ...prefix, ...settings }, true);
    onTestFinished(() => process.stop());
    const client = await process.listening();
    const held = async () => {
      const { heapBytes, externalBytes } = await process.state();
      return heapBytes + externalBytes;
    };
    for (let n = 0; n < 50; n++) await client.ask('{ __typename }'); // what whoever comes first costs
    const before = await held();
    const socket = await dial(client);
    socket.write(head('Transfer-Encoding: chunked'));
    // More than what lies between us holds: a third of it at least has been taken then.
    await new Promise((resolve) => socket.write('1\r\n \r\n'.repeat(1_500_000), resolve));
    expect(await held()).toBeLessThan(before + 8_000_000);
  });
});
