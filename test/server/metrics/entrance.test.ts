import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KeyRing } from '../../support/access/key-ring.ts';
import { startApi, type TestApi } from '../../support/api.ts';
import { Scrape } from '../../support/prometheus-text.ts';
import { ProtocolSocket } from '../../support/protocol-socket.ts';
import { until } from '../../support/until.ts';

const read = '{ user(id: "u") { riskProfile { txnCount1h } } }';
const watch = 'subscription { userRiskProfileUpdated(userIds: ["u"]) { cause } }';

let keys: KeyRing;
let api: TestApi;
let operator: { readonly authorization: string };

beforeAll(async () => {
  keys = new KeyRing();
  api = await startApi({
    authenticator: keys.authenticator,
    guard: { clientSubscriptions: 1, requestsPerSecond: 5, costPerSecond: 50 },
  });
  operator = await keys.add('prometheus', ['admin']);
});
afterAll(async () => {
  await api?.stop();
  keys?.close();
});

const scrape = () => Scrape.of(api.url, operator);
const tooMuch = (told: Scrape, what: string) => told.sum('freshet_refused_total', { what });

describe('metrics', () => {
  it('are for whoever may do all', async () => {
    const reader = await keys.add('reader of metrics', ['features:read']);
    expect((await fetch(`${api.url}/metrics`)).status).toBe(401);
    expect((await fetch(`${api.url}/metrics`, { headers: reader })).status).toBe(403);
    expect((await fetch(`${api.url}/metrics`, { headers: operator })).status).toBe(200);
  });

  it('tell how many callers nobody knew', async () => {
    const before = (await scrape()).sum('freshet_callers_refused_total', { why: 'unauthenticated' });
    for (const headers of [{}, { authorization: 'Bearer fsk_nobody' }]) {
      expect((await api.ask(read, {}, headers)).status).toBe(401);
    }
    expect((await scrape()).sum('freshet_callers_refused_total', { why: 'unauthenticated' })).toBe(before + 2);
  });

  it('tell how often a client wanted too much, and of what', async () => {
    const many = await keys.add('many', ['features:read']);
    const statuses: number[] = [];
    while (!statuses.includes(429)) statuses.push((await api.ask(read, {}, many)).status);
    const dear = await keys.add('dear', ['features:read']);
    const ids = Array.from({ length: 80 }, (_, i) => `u${i}`);
    const users = 'query ($ids: [ID!]!) { users(ids: $ids) { riskProfile { txnCount1h txnCount24h } } }';
    const costs: number[] = [];
    while (!costs.includes(429)) costs.push((await api.ask(users, { ids }, dear)).status);
    const told = await scrape();
    expect(tooMuch(told, 'requests')).toBe(1);
    expect(tooMuch(told, 'cost')).toBe(1);
    expect(tooMuch(told, 'connections')).toBe(0);
    expect(told.sum('freshet_limited_locally_total')).toBe(0);
  });

  it('tell of sockets and streams with a key that may be taken back, and of those that had to leave', async () => {
    const watcher = await keys.add('watcher', ['features:read']);
    const socket = await ProtocolSocket.open(api.webSocketUrl, {}, watcher);
    socket.subscribe('a', watch);
    await until(() => socket.of('next').length === 1);
    socket.subscribe('b', watch);
    await until(() => socket.about('b').length === 2);
    const open = await scrape();
    expect(tooMuch(open, 'subscriptions')).toBe(1);
    expect(open.sum('freshet_sessions')).toBe(1);
    expect(open.sum('freshet_sessions_ended_total')).toBe(0);
    keys.revoke('watcher');
    await socket.closed;
    const over = await scrape();
    expect(over.sum('freshet_sessions')).toBe(0);
    expect(over.sum('freshet_sessions_ended_total')).toBe(1);
  });
});
