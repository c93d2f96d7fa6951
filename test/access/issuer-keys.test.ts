import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { Authenticator } from '../../src/access/index.ts';
import { refusalOf, TestIssuer } from '../support/token-issuer.ts';
import { until } from '../support/until.ts';

let issuer: TestIssuer;
beforeAll(async () => {
  issuer = await TestIssuer.start();
});
afterAll(() => issuer.stop());
afterEach(() => {
  issuer.isBroken = false;
  vi.useRealTimers();
});

/** An issuer of its own, whose keys have been fetched; from now on time goes by when it is told to. */
async function knownIssuer() {
  const rotating = await TestIssuer.start();
  onTestFinished(() => rotating.stop());
  vi.useFakeTimers({ toFake: ['performance'] });
  const of = rotating.authenticator();
  expect(await refusalOf(of, await rotating.token())).toBe('taken as somebody');
  return { rotating, of };
}

describe('the keys of an issuer', () => {
  it('that cannot be had are no fault of the token', async () => {
    issuer.isBroken = true;
    const of = issuer.authenticator();
    expect(await refusalOf(of, await issuer.token())).toMatch(/^UNAVAILABLE/);
    expect(of.counts).toMatchObject({ unauthenticated: 0, unavailable: 1 });
    const gone = issuer.authenticator({ jwks: new URL('http://127.0.0.1:1/jwks') });
    expect(await refusalOf(gone, await issuer.token())).toMatch(/^UNAVAILABLE/);
  });

  it('that could not be had are not asked for by each token, but soon again', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    issuer.isBroken = true;
    const of = issuer.authenticator();
    const { asked } = issuer;
    const token = await issuer.token();
    for (let i = 0; i < 5; i++) expect(await refusalOf(of, token)).toMatch(/^UNAVAILABLE/);
    expect(issuer.asked).toBe(asked + 1);
    issuer.isBroken = false;
    vi.advanceTimersByTime(1_001);
    expect(await refusalOf(of, token)).toBe('taken as somebody');
  });

  it('that are known are there whatever comes of asking for one that nobody knows', async () => {
    const { rotating, of } = await knownIssuer();
    vi.advanceTimersByTime(30_001);
    rotating.isBroken = true;
    const unknown = await issuer.token({}, { header: { kid: 'nobody knows' } });
    const { asked } = rotating;
    for (const jti of ['1', '2', '3']) {
      expect(await refusalOf(of, unknown)).toMatch(/^UNAVAILABLE/);
      expect(await refusalOf(of, await rotating.token({ jti }))).toBe('taken as somebody');
    }
    expect(rotating.asked).toBe(asked + 1);
    // Nor is anybody kept waiting by an issuer that does not answer.
    vi.advanceTimersByTime(1_001);
    let answers = () => {};
    rotating.patience = new Promise((resolve) => {
      answers = resolve;
    });
    const kept = refusalOf(of, unknown);
    await until(() => rotating.asked === asked + 2);
    expect(await refusalOf(of, await rotating.token({ jti: '4' }))).toBe('taken as somebody');
    answers();
    expect(await kept).toMatch(/^UNAVAILABLE/);
  });

  it('that are too old are not believed while they cannot be had', async () => {
    const of = issuer.authenticator();
    expect(await refusalOf(of, await issuer.token())).toBe('taken as somebody');
    issuer.isBroken = true;
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 180_001 });
    expect(await refusalOf(of, await issuer.token({ jti: 'new' }))).toMatch(/^UNAVAILABLE/);
  });

  it('are asked for again for a key that nobody knows, but seldom', async () => {
    const { rotating, of } = await knownIssuer();
    await rotating.addKey('next', 'ES256');
    const token = await rotating.token({}, { kid: 'next' });
    expect(await refusalOf(of, token)).toMatch(/^UNAUTHENTICATED/);
    vi.advanceTimersByTime(30_001);
    expect(await refusalOf(of, token)).toBe('taken as somebody');
    expect(rotating.asked).toBe(2);
  });

  it('are asked for once for many tokens, and not for one that was looked at', async () => {
    const of = issuer.authenticator();
    const { asked } = issuer;
    const token = await issuer.token();
    expect(of.recognise(`Bearer ${token}`)).toBeNull();
    const callers = await Promise.all([1, 2, 3].map(() => of.identify(`Bearer ${token}`)));
    expect(new Set(callers).size).toBe(1);
    await of.identify(`Bearer ${await issuer.token({ sub: 'other' })}`);
    expect(issuer.asked).toBe(asked + 1);
    issuer.isBroken = true;
    expect(of.recognise(`bearer ${token}`)).toBe(callers[0]);
    expect(await of.identify(`Bearer ${token}`)).toBe(callers[0]);
  });
});

describe('keys of an issuer in a file', () => {
  it('are looked up there, and followed when they change', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'freshet-jwks-'));
    const file = join(folder, 'jwks.json');
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const problems: unknown[] = [];
    const rotating = await TestIssuer.start(['ES256']);
    await rotating.stop();
    writeFileSync(file, JSON.stringify(rotating.jwks));
    const of = new Authenticator({
      keys: null,
      issuer: { ...issuer.options, jwks: file },
      report: (_, problem) => problems.push(problem),
      fileEveryMs: 5,
    });
    onTestFinished(() => of.close());
    expect(await refusalOf(of, await rotating.token())).toBe('taken as somebody');
    expect(await refusalOf(of, await issuer.token())).toMatch(/^UNAUTHENTICATED: .*not signed by a key of the issuer/);
    await rotating.addKey('next', 'ES256');
    rotating.removeKey('ES256');
    const token = await rotating.token({}, { kid: 'next' });
    expect(await refusalOf(of, token)).toMatch(/^UNAUTHENTICATED/);
    writeFileSync(file, JSON.stringify(rotating.jwks));
    await until(async () => (await refusalOf(of, token)) === 'taken as somebody');
    writeFileSync(file, '{"keys": 7}');
    await until(() => problems.at(-1));
    expect(await refusalOf(of, await rotating.token({ sub: 'x' }, { kid: 'next' }))).toBe('taken as x');
    expect(() => issuer.authenticator({ jwks: join(folder, 'nothing') })).toThrow(/ENOENT/);
    expect(() => issuer.authenticator({ jwks: file })).toThrow(/jwks\.json: is no JSON Web Key Set/);
  });
});
