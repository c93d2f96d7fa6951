import type { JWTPayload } from 'jose';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { Authenticator, newKey } from '../../../src/access/index.ts';
import { startApi, type TestApi } from '../../support/api.ts';
import { EventStream } from '../../support/event-stream.ts';
import { ReservedStream } from '../../support/reserved-stream.ts';
import { TestIssuer } from '../../support/token-issuer.ts';
import { until } from '../../support/until.ts';

const query = '{ user(id: "u") { riskProfile { txnCount1h } } }';
const watch = 'subscription { userRiskProfileUpdated(userIds: ["u"]) { cause } }';
const billing = newKey('billing', ['features:read']);

let issuer: TestIssuer;
let api: TestApi;

beforeAll(async () => {
  issuer = await TestIssuer.start();
  api = await startApi({ authenticator: authenticator(), guard: { clientSubscriptions: 1 } });
});
afterAll(async () => {
  await api?.stop();
  await issuer?.stop();
});

function authenticator(): Authenticator {
  const keys = { text: JSON.stringify({ keys: [billing.entry] }) };
  return new Authenticator({ keys, issuer: issuer.options, report: () => {} });
}

/** What is undefined is taken out. */
type Claims = { readonly [claim: string]: string | undefined };

const bearer = (credentials: string) => ({ authorization: `Bearer ${credentials}` });
const token = async (claims: Claims) => bearer(await issuer.token(claims as JWTPayload));

async function openBy(reserved: ReservedStream, headers: ReturnType<typeof bearer>): Promise<number> {
  const stream = await EventStream.open(api.graphqlUrl, { headers: { ...reserved.headers, ...headers } });
  onTestFinished(() => stream.leave());
  return stream.response.statusCode ?? 0;
}

/** How a subscription on a stream of its own is answered, which stays open. */
async function subscribe(headers: ReturnType<typeof bearer>): Promise<number> {
  const stream = await EventStream.open(api.graphqlUrl, { method: 'POST', headers, body: { query: watch } });
  onTestFinished(() => stream.leave());
  return stream.response.statusCode ?? 0;
}

describe('callers of the same name', () => {
  it('do not have each other’s event streams', async () => {
    const reserved = await ReservedStream.reserve(api.graphqlUrl, bearer(billing.secret));
    expect((await reserved.ask('q', query)).status).toBe(202);
    expect(await openBy(reserved, await token({ sub: 'billing', scope: 'openid' }))).toBe(404);
    expect(await openBy(reserved, await token({ sub: 'billing', scope: 'features:read' }))).toBe(404);
    expect(await openBy(reserved, bearer(billing.secret))).toBe(200);
  });

  it('have each their own subscriptions', async () => {
    const long = 'x'.repeat(100);
    const scope = 'features:read';
    const callers = [
      bearer(billing.secret),
      await token({ sub: 'billing', scope }),
      await token({ sub: undefined, client_id: 'billing', scope }),
      await token({ sub: `${long}1`, scope }),
      await token({ sub: `${long}2`, scope }),
      await token({ sub: undefined, scope, jti: '1' }),
      await token({ sub: undefined, scope, jti: '2' }),
    ];
    for (const caller of callers) expect(await subscribe(caller)).toBe(200);
    // One subject is one client, by whatever token.
    expect(await subscribe(await token({ sub: 'billing', scope, jti: 'another' }))).toBe(429);
  });

  it('have each their own rate', async () => {
    const rated = await startApi({ authenticator: authenticator(), guard: { requestsPerSecond: 10 } });
    onTestFinished(() => rated.stop());
    const one = await token({ sub: 'rated', scope: 'features:read' });
    const other = await token({ sub: undefined, azp: 'rated', scope: 'features:read' });
    const ask = async (headers: ReturnType<typeof bearer>) => (await rated.ask(query, {}, headers)).status;
    // Until it is known whose a token is, its address is counted.
    expect([await ask(one), await ask(other)]).toEqual([200, 200]);
    await until(async () => (await ask(one)) === 429);
    const statuses = await Promise.all(Array.from({ length: 10 }, () => ask(other)));
    expect(new Set(statuses)).toEqual(new Set([200]));
  });
});

describe('an event stream of one subject', () => {
  it('is for all its tokens that allow the same', async () => {
    const sub = 'renewed';
    const scopes = ['features:read', 'events:write:User:acme-*'];
    const first = await token({ sub, scope: scopes.join(' ') });
    const renewed = await token({ sub, scope: `openid ${scopes.toReversed().join(' ')} features:read`, jti: '2' });
    const reserved = await ReservedStream.reserve(api.graphqlUrl, first);
    expect(await openBy(reserved, renewed)).toBe(200);
  });

  it.each([
    ['less', 'features:read:Merchant'],
    ['more', 'features:read events:write'],
  ])('is not for one that allows %s: it would see what another may', async (_, scope) => {
    const sub = `subject ${scope}`;
    const reserved = await ReservedStream.reserve(api.graphqlUrl, await token({ sub, scope: 'features:read' }));
    const other = await token({ sub, scope });
    expect(await openBy(reserved, other)).toBe(404);
    const headers = { ...reserved.headers, ...other, 'content-type': 'application/json' };
    const body = JSON.stringify({ query, extensions: { operationId: '1' } });
    expect((await fetch(api.graphqlUrl, { method: 'POST', headers, body })).status).toBe(404);
  });
});
