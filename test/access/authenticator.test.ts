import { mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AccessConfigError, Authenticator, type Ending, type KeyEntry, newKey } from '../../src/access/index.ts';
import { TestIssuer } from '../support/token-issuer.ts';
import { until } from '../support/until.ts';

let folder: string;
let file: string;
let problems: unknown[];
const open: Authenticator[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'freshet-access-'));
  file = join(folder, 'keys.json');
  problems = [];
});
afterEach(() => {
  for (const one of open.splice(0)) one.close();
  rmSync(folder, { recursive: true });
});

const text = (...entries: KeyEntry[]) => JSON.stringify({ keys: entries });

function authenticator(keys: { readonly file: string } | { readonly text: string }): Authenticator {
  const made = new Authenticator({
    keys,
    issuer: null,
    report: (_, problem) => problems.push(problem),
    fileEveryMs: 5,
  });
  open.push(made);
  return made;
}

const reading = newKey('reading', ['features:read']);
const writing = newKey('writing', ['events:write']);

describe('API keys', () => {
  it('are known by their secrets', async () => {
    const of = authenticator({ text: text(reading.entry, writing.entry) });
    for (const { secret, entry } of [reading, writing]) {
      const caller = of.recognise(`Bearer ${secret}`);
      expect(caller?.name).toBe(entry.name);
      expect(await of.identify(`bearer  ${secret}`)).toBe(caller);
    }
  });

  it.each([
    ['nothing', undefined, /Send a key or a token/],
    ['an empty header', '', /Send a key or a token/],
    ['another scheme', `Basic ${reading.secret}`, /must be Bearer/],
    ['no scheme', reading.secret, /must be Bearer/],
    ['no key', 'Bearer ', /must be Bearer/],
    ['two', `Bearer ${reading.secret} ${reading.secret}`, /must be Bearer/],
    ['a key of nobody', `Bearer ${newKey('x', []).secret}`, /There is no such key/],
    ['the beginning of one', `Bearer ${reading.secret.slice(0, -1)}`, /There is no such key/],
    ['the hash of one', `Bearer ${reading.entry.sha256}`, /There is no such key/],
    ['a token, where nobody issues any', 'Bearer e30.e30.e30', /There is no such key/],
  ])('are not known by %s', async (_, authorization, why) => {
    const of = authenticator({ text: text(reading.entry) });
    expect(of.recognise(authorization)).toBeNull();
    await expect(of.identify(authorization)).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
      message: expect.stringMatching(why),
    });
    expect(of.counts).toMatchObject({ unauthenticated: 1, unavailable: 0 });
  });

  it('that have expired are refused', async () => {
    const of = authenticator({ text: text({ ...reading.entry, expiresAt: '2026-01-31T00:00:00Z' }) });
    expect(of.recognise(`Bearer ${reading.secret}`)).toBeNull();
    await expect(of.identify(`Bearer ${reading.secret}`)).rejects.toThrow('The key has expired');
  });

  it('stand beside tokens', async () => {
    const issuer = await TestIssuer.start();
    const both = new Authenticator({ keys: { text: text(reading.entry) }, issuer: issuer.options, report: () => {} });
    open.push(both);
    expect((await both.identify(`Bearer ${reading.secret}`)).name).toBe('reading');
    expect((await both.identify(`Bearer ${await issuer.token({ sub: 'somebody' })}`)).name).toBe('somebody');
    await issuer.stop();
  });
});

describe('a scope of a key', () => {
  it('is told of where it is for a name that is not served, and grants nothing then', () => {
    const strangers: string[] = [];
    const key = newKey('typing', ['features:read:Usr:a*', 'events:write:user_profile']);
    const beside = newKey('beside', ['features:read:User', 'features:read:Elsewhere']);
    const of = new Authenticator({
      keys: { text: text(key.entry, beside.entry, reading.entry) },
      issuer: null,
      report: () => {},
      served: {
        names: new Set(['User', 'user_risk_profile']),
        onStranger: (name, target) => strangers.push(`${name}: ${target}`),
      },
    });
    expect(strangers).toEqual(['typing: Usr', 'typing: user_profile', 'beside: Elsewhere']);
    expect(of.recognise(`Bearer ${key.secret}`)?.grants.isEmpty).toBe(true);
    expect(of.recognise(`Bearer ${beside.secret}`)?.grants.text).toBe('features:read:User');
  });
});

describe('a file of keys', () => {
  it('is read at the start, and one that is missing or wrong refuses it', () => {
    expect(() => authenticator({ file })).toThrow(/ENOENT.*keys\.json/);
    writeFileSync(file, '{"keys":[{}]}');
    expect(() => authenticator({ file })).toThrow(AccessConfigError);
  });

  it('is taken anew when it changes', async () => {
    writeFileSync(file, text(reading.entry));
    const of = authenticator({ file });
    const caller = of.recognise(`Bearer ${reading.secret}`);
    writeFileSync(file, text(reading.entry, writing.entry));
    await until(() => of.recognise(`Bearer ${writing.secret}`));
    expect(of.recognise(`Bearer ${reading.secret}`)).toBe(caller);
    writeFileSync(file, text(reading.entry));
    await until(() => !of.recognise(`Bearer ${writing.secret}`));
    // Each version once, however often it is looked at.
    const at = performance.now();
    await until(() => performance.now() > at + 50);
    expect(problems).toEqual([null, null]);
  });

  it('is followed where another takes its name, or a link leads elsewhere', async () => {
    writeFileSync(join(folder, 'first'), text(reading.entry));
    writeFileSync(join(folder, 'second'), text(writing.entry));
    symlinkSync(join(folder, 'first'), file);
    const of = authenticator({ file });
    unlinkSync(file);
    symlinkSync(join(folder, 'second'), file);
    await until(() => of.recognise(`Bearer ${writing.secret}`));
    writeFileSync(join(folder, 'third'), text(reading.entry));
    renameSync(join(folder, 'third'), file);
    await until(() => of.recognise(`Bearer ${reading.secret}`));
    expect(of.recognise(`Bearer ${writing.secret}`)).toBeNull();
  });

  it('that is broken leaves all as it was, is told of once, and is taken when it is mended', async () => {
    writeFileSync(file, text(reading.entry));
    const of = authenticator({ file });
    const ended: Ending[] = [];
    of.hold(await of.identify(`Bearer ${reading.secret}`), (why) => ended.push(why));
    writeFileSync(file, '{"keys": [');
    await until(() => problems.length === 1);
    expect(String(problems[0])).toMatch(/keys\.json: is not JSON/);
    unlinkSync(file);
    await until(() => problems.length === 2);
    expect(of.recognise(`Bearer ${reading.secret}`)).not.toBeNull();
    writeFileSync(file, text(reading.entry, writing.entry));
    await until(() => of.recognise(`Bearer ${writing.secret}`));
    expect(problems).toHaveLength(3);
    expect(ended).toEqual([]);
  });
});

describe('what a caller holds open', () => {
  const held = async (of: Authenticator, secret: string, ended: Ending[]) => {
    const caller = await of.identify(`Bearer ${secret}`);
    return of.hold(caller, (why) => ended.push(why));
  };

  it('ends when its key is taken back, at once and not that of others', async () => {
    writeFileSync(file, text(reading.entry, writing.entry));
    const of = authenticator({ file });
    const caller = await of.identify(`Bearer ${reading.secret}`);
    const ended: Ending[] = [];
    const others: Ending[] = [];
    await held(of, reading.secret, ended);
    await held(of, reading.secret, ended);
    await held(of, writing.secret, others);
    writeFileSync(file, text(writing.entry));
    await until(() => ended.length === 2);
    expect(ended).toEqual(['REVOKED', 'REVOKED']);
    expect(others).toEqual([]);
    expect(caller.isFresh).toBe(false);
    expect(of.counts.ended).toBe(2);
  });

  it.each<[string, Partial<KeyEntry>]>([
    ['scopes', { scopes: ['features:read:User'] }],
    ['a name', { name: 'renamed' }],
    ['an end', { expiresAt: '2099-01-01T00:00:00Z' }],
  ])('ends when its key has %s that it had not: whoever comes back has that', async (_, change) => {
    writeFileSync(file, text(reading.entry));
    const of = authenticator({ file });
    const ended: Ending[] = [];
    await held(of, reading.secret, ended);
    writeFileSync(file, text({ ...reading.entry, ...change }));
    await until(() => ended.length === 1);
    expect(ended).toEqual(['CHANGED']);
    expect((await of.identify(`Bearer ${reading.secret}`)).name).toBe(change.name ?? 'reading');
  });

  it('goes on where scopes are only written in another order', async () => {
    const entry = { ...reading.entry, scopes: ['events:write', 'features:read'] };
    writeFileSync(file, text(entry));
    const of = authenticator({ file });
    const ended: Ending[] = [];
    await held(of, reading.secret, ended);
    writeFileSync(file, text({ ...entry, scopes: entry.scopes.toReversed() }));
    await until(() => problems.length === 1);
    expect(ended).toEqual([]);
  });

  it('ends at the moment at which it expires, each at its own, and never before', async () => {
    const endsIn = [120, 40, 80, 80];
    const keys = endsIn.map((_, i) => newKey(`key ${i}`, ['features:read']));
    const begun = Date.now();
    const entries = keys.map(({ entry }, i) => {
      return { ...entry, expiresAt: new Date(begun + (endsIn[i] as number)).toISOString() };
    });
    const of = authenticator({ text: text(...entries, reading.entry) });
    const ended: { readonly key: number; readonly at: number }[] = [];
    for (const [key, { secret }] of keys.entries()) {
      of.hold(await of.identify(`Bearer ${secret}`), () => ended.push({ key, at: Date.now() - begun }));
    }
    const forget = of.hold(await of.identify(`Bearer ${keys[0]?.secret}`), () => ended.push({ key: 9, at: 0 }));
    of.hold(await of.identify(`Bearer ${reading.secret}`), () => ended.push({ key: 8, at: 0 }));
    forget();
    await until(() => ended.length === 4);
    expect(ended.map(({ key }) => key)).toEqual([1, 2, 3, 0]);
    for (const { key, at } of ended) expect(at).toBeGreaterThanOrEqual(endsIn[key] as number);
  });

  it('ends soon where it begins too late', async () => {
    writeFileSync(file, text(reading.entry));
    const of = authenticator({ file });
    const caller = await of.identify(`Bearer ${reading.secret}`);
    writeFileSync(file, text(writing.entry));
    await until(() => !caller.isFresh);
    const ended: Ending[] = [];
    of.hold(caller, (why) => ended.push(why));
    expect(ended).toEqual([]);
    await until(() => ended.length === 1);
    expect(ended).toEqual(['REVOKED']);
  });

  it('that is centuries away is not taken for now, and keeps no timer busy', async () => {
    const warnings: string[] = [];
    const warn = ({ name }: Error) => warnings.push(name);
    process.on('warning', warn);
    const of = authenticator({ text: text({ ...reading.entry, expiresAt: '9999-12-31T23:59:59Z' }, writing.entry) });
    const ended: Ending[] = [];
    const forget = await held(of, reading.secret, ended);
    await new Promise((resolve) => setTimeout(resolve, 5)); // longer than the millisecond that Node makes of it
    expect(ended).toEqual([]);
    expect(warnings).toEqual([]);
    process.off('warning', warn);
    forget();
    forget();
  });
});
