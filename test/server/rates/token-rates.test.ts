import type { IncomingMessage } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Arrival, arrive } from '../../../src/server/arrival.ts';
import { Entrance } from '../../../src/server/entrance.ts';
import { Guard } from '../../../src/server/guard/guard.ts';
import type { TestApi } from '../../support/api.ts';
import { ProtocolSocket } from '../../support/protocol-socket.ts';
import { TestIssuer } from '../../support/token-issuer.ts';
import { until } from '../../support/until.ts';
import { clientAt, one, start } from './limited-clients.ts';

/** So few that the time which a test takes adds none. */
const guard = { requestsPerSecond: 1 };

let issuer: TestIssuer;
beforeAll(async () => {
  issuer = await TestIssuer.start();
});
afterAll(() => issuer.stop());
afterEach(() => vi.useRealTimers());

const startWithTokens = () => start(guard, { authenticator: issuer.authenticator() });

async function bearer(sub: string, claims: object = {}): Promise<{ readonly authorization: string }> {
  return { authorization: `Bearer ${await issuer.token({ sub, scope: 'admin', ...claims })}` };
}

/** Only its signature tells. */
async function forged(sub: string): Promise<{ readonly authorization: string }> {
  const { authorization } = await bearer(sub);
  return { authorization: `${authorization.slice(0, -8)}AAAAAAAA` };
}

describe('a token that is new', () => {
  it('is counted by whose it is, however many others there are at the address', async () => {
    const api = await startWithTokens();
    const ask = clientAt(api);
    for (let n = 0; n < 12; n++) expect((await ask(one, await bearer(`subject ${n}`))).status).toBe(200);
    const together = Array.from({ length: 20 }, async (_, n) => clientAt(api)(one, await bearer(`another ${n}`)));
    expect(new Set((await Promise.all(together)).map(({ status }) => status))).toEqual(new Set([200]));
    // None of it was the address's to pay.
    expect((await ask(one)).status).toBe(401);
    expect(api.server.refusals.requests).toBe(0);
  });

  it('is counted with all others of its subject', async () => {
    const ask = clientAt(await startWithTokens());
    const statuses: (number | undefined)[] = [];
    for (let n = 0; n < 8; n++) statuses.push((await ask(one, await bearer('greedy', { jti: `${n}` }))).status);
    expect(statuses.filter((status) => status === 200).length).toBeLessThanOrEqual(4);
    expect(statuses.at(-1)).toBe(429);
    expect((await ask(one, await bearer('other'))).status).toBe(200);
  });

  it.each<[string, () => Promise<{ readonly [header: string]: string }>]>([
    ['without credentials', async () => ({})],
    ['with tokens that are none', async () => ({ authorization: 'Bearer x.y.z' })],
    ['with tokens that are over', () => bearer('somebody', { exp: 1 })],
    ['with tokens that look like good ones', () => forged('victim')],
  ])(
    'is let through, by whatever way it comes, where somebody at its address asks too often %s',
    async (_, headers) => {
      const api = await startWithTokens();
      const [stranger, ask] = [clientAt(api), clientAt(api)];
      expect((await stranger(one, await headers())).status).toBe(401);
      const flood = () => until(async () => (await stranger(one, await headers())).status === 429);
      await flood();
      expect((await ask(one, await bearer('victim'))).status).toBe(200);
      await flood();
      expect(await acknowledged(api, await bearer('victim of a socket'))).toBe(true);
      await flood();
      const schema = await fetch(`${api.url}/schema.graphql`, { headers: await bearer('victim of a page') });
      expect(schema.status).toBe(200);
      await flood();
      const health = await fetch(`${api.url}/readyz`, { headers: await bearer('victim of a probe') });
      expect(Object.keys((await health.json()) as object).length).toBeGreaterThan(1);
    },
  );
});

async function acknowledged(api: TestApi, payload: { readonly authorization: string }): Promise<boolean> {
  const socket = await ProtocolSocket.open(api.webSocketUrl, {}, payload);
  const isAcknowledged = socket.of('connection_ack').length === 1;
  socket.socket.close();
  return isAcknowledged;
}

describe('looks at signatures', () => {
  /** What an address has of its own, and what all have together. */
  const mostLooks = 3 + 600;

  function door() {
    // No bucket fills up meanwhile.
    vi.useFakeTimers({ toFake: ['performance', 'Date'] });
    const known = issuer.authenticator();
    const [entrance, limits] = [new Entrance(known), new Guard(guard)];
    const come = async ({ authorization }: { readonly authorization: string }, address = '127.0.0.1') => {
      const request = { headers: {}, socket: { remoteAddress: address } } as IncomingMessage;
      return arrive({ entrance, guard: limits, authorization, request });
    };
    const spend = async () => {
      const { authorization } = await forged('nobody');
      await Promise.all(Array.from({ length: mostLooks + 50 }, () => come({ authorization })));
    };
    return { known, come, spend, refusals: limits.refusals };
  }

  const isThrough = ({ waitMs, found }: Arrival) => waitMs === 0 && !(found instanceof Error);

  it('are bounded: of an address that sends bad ones, and of all such addresses', async () => {
    const { known, come, spend, refusals } = door();
    await spend();
    expect(known.counts.unauthenticated).toBe(mostLooks);
    expect(refusals.requests).toBe(mostLooks + 50 - 3);
    const refused = await come(await bearer('at the same address'));
    expect(refused.waitMs).toBeGreaterThan(0);
    expect(refused.waitMs).toBeLessThanOrEqual(5);
    expect(isThrough(await come(await bearer('elsewhere'), '127.0.0.2'))).toBe(true);
    // They share what comes: one more in five milliseconds.
    vi.advanceTimersByTime(5);
    expect(isThrough(await come(await bearer('at the same address')))).toBe(true);
  });

  it('are not needed for whoever was known, and has to be looked at anew', async () => {
    const { known, come, spend } = door();
    const token = await bearer('somebody');
    expect(isThrough(await come(token))).toBe(true);
    await spend();
    vi.setSystemTime(Date.now() + 120_001);
    expect(known.recognise(token.authorization)).toBeNull();
    const { waitMs, found } = await come(token);
    expect({ waitMs, found }).toEqual({ waitMs: 0, found: null });
    // It is theirs to pay for.
    const waits = await Promise.all([1, 2, 3, 4].map(async () => (await come(token)).waitMs));
    expect(waits.at(-1)).toBeGreaterThan(0);
  });

  it('are spent by good tokens, too, whose subject has spent its rate', async () => {
    const { known, come } = door();
    const tokens = await Promise.all(Array.from({ length: mostLooks + 50 }, (_, n) => bearer('one', { jti: `${n}` })));
    for (const token of tokens) await come(token);
    const looked = tokens.filter(({ authorization }) => known.recognise(authorization) !== null).length;
    expect(looked).toBe(3 + mostLooks);
  });

  it('cost nobody anything whose tokens are good', async () => {
    const { come } = door();
    for (let n = 0; n < mostLooks + 50; n++) expect(isThrough(await come(await bearer(`${n}`)))).toBe(true);
  });
});
