import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type JWTPayload, UnsecuredJWT } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { Authenticator, type Caller, type IssuerOptions } from '../../src/access/index.ts';
import { inSeconds, refusalOf, TestIssuer } from '../support/token-issuer.ts';
import { until } from '../support/until.ts';

const algorithms = ['RS256', 'PS256', 'ES256', 'EdDSA', 'ES384'];
const user = { name: 'user_risk_profile', entity: { name: 'User' } };

let issuer: TestIssuer;
beforeAll(async () => {
  issuer = await TestIssuer.start(algorithms);
});
afterAll(() => issuer.stop());
afterEach(() => {
  issuer.isBroken = false;
  vi.useRealTimers();
});

const authenticator = (options?: Partial<IssuerOptions>) => issuer.authenticator(options);

const callerOf = async (claims: JWTPayload): Promise<Caller> =>
  authenticator().identify(`Bearer ${await issuer.token(claims)}`);

describe('a token', () => {
  it('says who asks, what they may do, and until when', async () => {
    const exp = Math.floor(inSeconds(60));
    const caller = await callerOf({ sub: 'model-7', scope: 'openid features:read:User:acme-*  events:write', exp });
    expect(caller).toMatchObject({ name: 'model-7', expiresAt: 1_000 * exp });
    expect(caller.grants.allows('features:read', user, 'acme-1')).toBe(true);
    expect(caller.grants.allows('features:read', user, 'other')).toBe(false);
    expect(caller.grants.allowsAll('events:write')).toBe(true);
    expect(caller.grants.allowsSome('admin')).toBe(false);
  });

  it.each([
    ['scp as a list', { scp: ['features:read'] }],
    ['scp as a text', { scp: 'openid features:read' }],
    ['scope before scp', { scope: 'features:read', scp: ['admin'] }],
  ])('has its scopes in %s', async (_, claims) => {
    const { grants } = await callerOf(claims);
    expect(grants.allowsAll('features:read')).toBe(true);
    expect(grants.allowsSome('admin')).toBe(false);
  });

  it.each([
    ['none', {}],
    ['scopes of another service', { scope: 'openid profile' }],
    ['scopes that are not written as they should be', { scope: 'features:read:User:100% admin:User' }],
    ['something else', { scope: 7, scp: { admin: true } } as JWTPayload],
  ])('with %s grants nothing', async (_, claims) => {
    expect((await callerOf(claims)).grants.isEmpty).toBe(true);
  });

  it.each([
    ['its client', { sub: undefined, client_id: 'loader' }, 'loader'],
    ['whom it was issued to', { sub: '', azp: 'app' }, 'app'],
    ['nobody', { sub: undefined }, 'a token without sub'],
  ])('without a subject is called after %s', async (_, claims, name) => {
    expect((await callerOf(claims as JWTPayload)).name).toBe(name);
  });

  it('is told apart by all of its subject, however long, and by where that was said', async () => {
    const long = 'x'.repeat(100);
    const claims = [
      { sub: 'a' },
      { sub: undefined, client_id: 'a' },
      { sub: undefined, azp: 'a' },
      { sub: `${long}1` },
      { sub: `${long}2` },
      { sub: undefined, jti: '1' },
      { sub: undefined, jti: '2' },
    ];
    const callers = await Promise.all(claims.map((one) => callerOf(one as JWTPayload)));
    expect(new Set(callers.map(({ id }) => id)).size).toBe(claims.length);
    for (const { id } of callers) expect(id).toMatch(/^token:[\w-]{43,64}$/);
    const again = await callerOf({ sub: 'a', jti: 'another', scope: 'features:read' });
    expect(again.id).toBe(callers[0]?.id);
    expect(again.isLike(callers[0] as Caller)).toBe(false);
    expect(again.isLike(await callerOf({ sub: 'a', scope: 'openid features:read' }))).toBe(true);
  });

  it.each(['RS256', 'ES256', 'EdDSA'])('is taken when it is signed by %s', async (kid) => {
    expect(await refusalOf(authenticator(), await issuer.token({}, { kid }))).toBe('taken as somebody');
  });

  it.each(['PS256', 'ES384'])('signed by %s is taken where that is allowed', async (kid) => {
    const token = await issuer.token({}, { kid });
    expect(await refusalOf(authenticator(), token)).toMatch(/^UNAUTHENTICATED: .*algorithm/);
    expect(await refusalOf(authenticator({ algorithms: [kid] }), token)).toBe('taken as somebody');
  });

  it('that is not signed, or by what everybody knows, is refused before any key is asked for', async () => {
    const { asked } = issuer;
    const unsigned = new UnsecuredJWT({ sub: 'x', scope: 'admin' }).setExpirationTime('1h').encode();
    const [, payload] = (await issuer.token({ scope: 'admin' })).split('.');
    const header = Buffer.from('{"alg":"HS256","kid":"RS256"}').toString('base64url');
    const hmac = createHmac('sha256', JSON.stringify(issuer.jwks.keys[0])).update(`${header}.${payload}`);
    for (const forged of [unsigned, `${header}.${payload}.${hmac.digest('base64url')}`, `${header}.${payload}.`]) {
      expect(await refusalOf(authenticator(), forged)).toMatch(/^UNAUTHENTICATED/);
    }
    for (const broken of ['x', 'a.b.c', '..', 'e30.e30.', 'x'.repeat(10_000)]) {
      expect(await refusalOf(authenticator(), broken)).toMatch(/^UNAUTHENTICATED/);
    }
    expect(issuer.asked).toBe(asked);
  });

  it.each<[string, JWTPayload, RegExp]>([
    ['of another issuer', { iss: 'https://other.example' }, /its iss is not/],
    ['of nobody', { iss: undefined } as never, /its iss is not/],
    ['for another audience', { aud: 'other' }, /its aud is not/],
    ['for nobody', { aud: undefined } as never, /its aud is not/],
    ['that never expires', { exp: undefined } as never, /its exp is not/],
    ['that has expired', { exp: inSeconds(-1) }, /has expired/],
    ['that does not hold yet', { nbf: inSeconds(60) }, /its nbf is not/],
  ])('%s is refused', async (_, claims, why) => {
    expect(await refusalOf(authenticator(), await issuer.token(claims))).toMatch(why);
  });

  it('for several audiences is taken if we are among them', async () => {
    expect(await refusalOf(authenticator(), await issuer.token({ aud: ['other', 'freshet'] }))).toBe(
      'taken as somebody',
    );
  });

  it('whose payload was changed is refused', async () => {
    const [header, , signature] = (await issuer.token()).split('.');
    const [, payload] = (await issuer.token({ scope: 'admin' })).split('.');
    expect(await refusalOf(authenticator(), `${header}.${payload}.${signature}`)).toMatch(
      /not signed by a key of the issuer/,
    );
  });

  it('holds for as long as clocks may differ', async () => {
    const exp = Math.floor(inSeconds(-5));
    const token = await issuer.token({ exp });
    expect(await refusalOf(authenticator({ clockSkewSeconds: 30 }), token)).toBe('taken as somebody');
    expect(await refusalOf(authenticator({ clockSkewSeconds: 2 }), token)).toMatch(/has expired/);
    const caller = await authenticator({ clockSkewSeconds: 30 }).identify(`Bearer ${token}`);
    expect(caller.expiresAt).toBe(1_000 * exp + 30_000);
  });

  it('without a key id is tried with each key that it may be signed by', async () => {
    await issuer.addKey('second', 'ES256');
    const token = await issuer.token({}, { kid: 'second', header: { kid: undefined } });
    expect(await refusalOf(authenticator(), token)).toBe('taken as somebody');
    issuer.removeKey('second');
    expect(await refusalOf(authenticator(), token)).toMatch(/^UNAUTHENTICATED/);
  });
});

describe('a token that only its signature can tell from a valid one', () => {
  const claims = (of: Authenticator, token: string) => of.isClaimed(`Bearer ${token}`);

  it('is one by an algorithm that is taken, of this issuer, and not over', async () => {
    const of = authenticator();
    const token = await issuer.token();
    expect(claims(of, token)).toBe(true);
    expect(claims(of, `${token.slice(0, -8)}AAAAAAAA`)).toBe(true);
    expect(claims(of, await issuer.token({}, { kid: 'PS256' }))).toBe(false);
    expect(claims(of, await issuer.token({ iss: 'https://other.example' }))).toBe(false);
    expect(claims(of, await issuer.token({ exp: undefined } as never))).toBe(false);
    const over = await issuer.token({ exp: Math.floor(inSeconds(-5)) });
    expect(claims(of, over)).toBe(false);
    expect(claims(authenticator({ clockSkewSeconds: 30 }), over)).toBe(true);
  });

  it.each([[undefined], [''], ['Basic x'], ['Bearer fsk_x'], ['Bearer x'], ['Bearer a.b.c'], ['Bearer e30.e30.']])(
    'is not %s',
    (authorization) => {
      expect(authenticator().isClaimed(authorization)).toBe(false);
    },
  );
});

describe('what is remembered of tokens', () => {
  it('ends when they expire', async () => {
    const of = authenticator();
    const token = await issuer.token({ exp: inSeconds(60) });
    const caller = await of.identify(`Bearer ${token}`);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 60_001 });
    expect(caller.isFresh).toBe(false);
    expect(of.recognise(`Bearer ${token}`)).toBeNull();
    expect(await refusalOf(of, token)).toMatch(/has expired/);
  });

  it('grants nothing for names that are not served', async () => {
    const of = new Authenticator({
      keys: null,
      issuer: issuer.options,
      report: () => {},
      served: { names: new Set(['User']), onStranger: () => {} },
    });
    const callerFor = async (scope: string) => of.identify(`Bearer ${await issuer.token({ scope })}`);
    expect((await callerFor('features:read:Elsewhere openid')).grants.isEmpty).toBe(true);
    expect((await callerFor('features:read:Elsewhere features:read:User:a')).grants.text).toBe('features:read:User:a');
  });

  it('is looked at again as long as something is held open by it, until the issuer takes its key back', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'freshet-jwks-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'jwks.json');
    writeFileSync(file, JSON.stringify(issuer.jwks));
    const of = new Authenticator({
      keys: null,
      issuer: { ...issuer.options, jwks: file },
      report: () => {},
      fileEveryMs: 10,
      tokenMs: 50,
    });
    onTestFinished(() => of.close());
    const token = await issuer.token();
    const caller = await of.identify(`Bearer ${token}`);
    const over: string[] = [];
    of.hold(caller, (why) => over.push(why));
    // It is fresh for a twentieth of a second at a time, and is found to be good more than once.
    for (let times = 0; times < 2; times++) {
      await until(() => !caller.isFresh);
      await until(() => caller.isFresh);
    }
    expect(over).toEqual([]);
    writeFileSync(file, '{"keys":[]}');
    await until(() => over.length > 0);
    expect(over).toEqual(['REVOKED']);
    expect(of.sessions).toBe(0);
    expect(of.recollect(`Bearer ${token}`)).toBeNull();
  });

  it('is looked at anew after two minutes, so that a key that was taken back is not believed for long', async () => {
    const file = authenticator();
    const token = await issuer.token({ exp: inSeconds(3_600) });
    const caller = await file.identify(`Bearer ${token}`);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 120_001 });
    expect(caller.isFresh).toBe(false);
    expect(caller.endedAt(Date.now())).toBeNull();
    expect(file.recognise(`Bearer ${token}`)).toBeNull();
    expect(file.recollect(`Bearer ${token}`)).toBe(caller);
    expect(await file.identify(`Bearer ${token}`)).not.toBe(caller);
    vi.setSystemTime(Date.now() + 3_600_000);
    expect(file.recollect(`Bearer ${token}`)).toBeNull();
  });

  it('is forgotten once it is found to be good no more', async () => {
    const of = authenticator();
    await issuer.addKey('leaving', 'ES256');
    const token = await issuer.token({}, { kid: 'leaving' });
    vi.useFakeTimers({ toFake: ['Date', 'performance'] });
    await of.identify(`Bearer ${token}`);
    issuer.removeKey('leaving');
    vi.advanceTimersByTime(180_001);
    issuer.isBroken = true;
    expect(await refusalOf(of, token)).toMatch(/^UNAVAILABLE/);
    expect(of.recollect(`Bearer ${token}`)).not.toBeNull();
    issuer.isBroken = false;
    vi.advanceTimersByTime(1_001);
    expect(await refusalOf(of, token)).toMatch(/^UNAUTHENTICATED/);
    expect(of.recollect(`Bearer ${token}`)).toBeNull();
  });

  it('is bounded: the one that was not used for longest makes room', async () => {
    const of = authenticator({ algorithms: ['ES256'] });
    const first = await issuer.token({ sub: 'first' });
    const second = await issuer.token({ sub: 'second' });
    await of.identify(`Bearer ${first}`);
    await of.identify(`Bearer ${second}`);
    for (let i = 0; i < 10_000; i += 100) {
      const tokens = await Promise.all(Array.from({ length: 100 }, (_, n) => issuer.token({ sub: `${i + n}` })));
      await Promise.all(tokens.map((token) => of.identify(`Bearer ${token}`)));
      expect(of.recognise(`Bearer ${first}`)).not.toBeNull();
    }
    expect(of.recognise(`Bearer ${second}`)).toBeNull();
  });
});
