import { Redis } from 'iovalkey';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ApiClient, ApiProcess } from '../support/api.ts';
import { EventStream } from '../support/event-stream.ts';
import { OtlpCollector } from '../support/otlp-collector.ts';
import { ProtocolSocket } from '../support/protocol-socket.ts';
import { speakTo } from '../support/raw-socket.ts';
import { ReservedStream } from '../support/reserved-stream.ts';
import { ThrowawayValkey } from '../support/throwaway-valkey.ts';
import { until } from '../support/until.ts';

/** Recognisable wherever they come up, also where they are cut, or in another form. */
const amount = 73519.4682;
const id = (kind: string) => `private-${kind}`;
const token = 'sekret-token';
const privateText = /73519|7\.35194682|sekret|private-/;

/** Any five digits come up by chance in ids that are drawn, and in times. */
const withoutChance = (text: string) =>
  text
    .replaceAll(/"(?:trace|span|parentSpan)Id":"[0-9a-f]{16,32}"/g, '')
    .replaceAll(/"(?:\w+UnixNano":"\d{19}"|requestId":"[\w-]{10}-\w+"|(?:time|pid|durationMs)":[\d.]+)/g, '');

let valkey: ThrowawayValkey;
let collector: OtlpCollector;
let api: ApiProcess;
let client: ApiClient;

beforeAll(async () => {
  valkey = await ThrowawayValkey.create();
  await valkey.start();
  collector = await OtlpCollector.start();
  api = new ApiProcess({
    VALKEY_URL: valkey.url,
    LOG_LEVEL: 'trace',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_BSP_SCHEDULE_DELAY: '20',
  });
  client = await api.listening();
});

afterAll(async () => {
  await api?.stop();
  await collector?.stop();
  await valkey?.destroy();
});

const record = `mutation ($input: TransactionInput!) {
  recordTransaction(input: $input) { status reason user { riskProfile { lastTxnAmount } } } }`;
const inline = `mutation { recordTransaction(input: { transactionId: "${id('t')}", userId: "${id('u')}", merchantId: "${id('m')}", amount: ${amount} }) { status } }`;
const read = 'query ($id: ID!) { user(id: $id) { riskProfile { lastTxnAmount } } }';
const watch = `subscription { userRiskProfileUpdated(userIds: ["${id('u')}"], minIntervalMs: 0) { cause user { id riskProfile { lastTxnAmount } } } }`;
const input = (more: object = {}) => ({
  transactionId: id('t'),
  userId: id('u'),
  merchantId: id('m'),
  amount,
  ...more,
});
const secretHeaders = { authorization: `Bearer ${token}`, 'x-api-key': token, cookie: `session=${token}` };

/** What goes well, and what is wrong in each of the ways that a client can be wrong. */
const operations: readonly (readonly [query: string, variables: object])[] = [
  [record, { input: input() }],
  [inline, {}],
  [read, { id: id('u') }],
  [record, { input: input({ amount: `${amount}` }) }], // a string
  [record, { input: input({ amount: amount * 1e14 }) }], // too much
  [record, { input: input({ userId: `${id('u')}\u0000` }) }],
  [record, { input: input({ occurredAt: `${token}` }) }],
  [record, { input: { ...input(), [id('field')]: amount } }],
  [`${inline} ${token}`, {}], // no syntax
  [`{ ${token.replace('-', '')}(id: "${id('u')}", amount: ${amount}) { id } }`, {}], // no such field
  [`query ${token.replace('-', '')} { user(id: ${amount}) { id } }`, {}],
];

async function byHttp(): Promise<void> {
  for (let i = 0; i < 4; i++) {
    const asking = operations.map(async ([query, variables]) => {
      await client.ask(query, variables as never, secretHeaders);
      const search = new URLSearchParams({ query, variables: JSON.stringify(variables) });
      await fetch(`${client.graphqlUrl}?${search}`, { headers: secretHeaders });
    });
    await Promise.all(asking);
  }
  const json = { ...secretHeaders, 'content-type': 'application/json' };
  for (const body of [`{"query":"${token}`, JSON.stringify({ query: { token, amount } }), JSON.stringify([token])]) {
    await fetch(client.graphqlUrl, { method: 'POST', headers: json, body });
  }
  await fetch(`${client.graphqlUrl}?token=${token}`, { method: 'DELETE', headers: secretHeaders });
  await fetch(`${client.url}/?token=${token}`, { headers: secretHeaders });
  await fetch(client.graphqlUrl, { headers: { ...secretHeaders, 'x-graphql-event-stream-token': token } });
  const body = JSON.stringify({ query: read, variables: { id: id('u') } });
  const head = `POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length + 9}`;
  await speakTo(
    client.url,
    `${head}\r\nAuthorization: ${token}\r\nBad Header ${token}\r\nConnection: close\r\n\r\n${body}`,
  );
}

async function bySse(): Promise<void> {
  const own = await EventStream.open(client.graphqlUrl, {
    method: 'POST',
    headers: secretHeaders,
    body: { query: watch },
  });
  const reserved = await ReservedStream.reserve(client.graphqlUrl);
  const stream = await reserved.open();
  for (const [place, [query, variables]] of operations.entries()) {
    await reserved.ask(`${token}-${place}`, query, variables);
  }
  await until(() => own.events.length > 0 && stream.events.length > 3);
  expect(api.output).not.toContain(reserved.token);
  own.leave();
  stream.leave();
}

async function byWebSocket(): Promise<void> {
  const socket = await ProtocolSocket.open(client.webSocketUrl, { headers: secretHeaders }, { token, amount });
  socket.subscribe(token, watch);
  for (const [place, [query, variables]] of operations.entries()) {
    socket.send({ type: 'subscribe', id: `${token}-${place}`, payload: { query, variables } });
  }
  await until(() => socket.of('next').length > 3 || socket.socket.readyState !== socket.socket.OPEN);
  for (const nonsense of [token, { type: token, amount }, { type: 'next', id: token, payload: { amount } }]) {
    const other = await ProtocolSocket.open(client.webSocketUrl, {}, { token });
    other.socket.send(typeof nonsense === 'string' ? nonsense : JSON.stringify(nonsense));
    await other.closed;
  }
  socket.socket.terminate();
}

it('neither the log nor a trace has an amount, a token or an id of what was asked, whatever goes wrong', async () => {
  const everything = async () => {
    await byHttp();
    await bySse();
    await byWebSocket();
  };
  await everything();
  const redis = new Redis(valkey.url);
  // Valkey refuses writes, and says so with a command's words; then it forgets our functions, and hangs.
  await redis.config('SET', 'maxmemory', '1mb');
  await everything();
  await redis.config('SET', 'maxmemory', '0');
  await redis.call('FUNCTION', 'FLUSH');
  for (const key of await redis.keys('*log:v1*')) await redis.append(key, token);
  await byHttp();
  redis.disconnect();
  await valkey.stop();
  await byHttp();
  await valkey.start();
  await until(async () => (await client.get('/readyz')).status === 200);
  await client.ask(read, { id: id('u') });
  await api.stop();
  const lines = api.output.split('\n').filter((line) => line.startsWith('{'));
  const requests = lines.filter((line) => JSON.parse(line).msg === 'request');
  expect(requests.length).toBeGreaterThan(200);
  for (const line of requests) expect(JSON.parse(line).requestId, line).toEqual(expect.any(String));
  expect(collector.spans.length).toBeGreaterThan(500);
  expect(collector.spans.some(({ isFailed }) => isFailed)).toBe(true);
  expect(withoutChance(collector.text)).not.toMatch(privateText);
  for (const line of api.output.split('\n')) {
    // But for the key of a log that cannot be used, which is what has to be looked at.
    const said = line.includes('"code":"LOG_FAULT"') ? line.replaceAll(id('u'), '').replaceAll(id('m'), '') : line;
    expect(withoutChance(said)).not.toMatch(privateText);
  }
}, 120_000);
