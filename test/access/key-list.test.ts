import { describe, expect, it } from 'vitest';
import { AccessConfigError, newKey, parseKeyList } from '../../src/access/index.ts';

const hash = (digit: string) => digit.repeat(64);

function problemsOf(text: string): readonly string[] {
  try {
    parseKeyList(text, 'keys.json');
  } catch (error) {
    if (error instanceof AccessConfigError) return error.problems;
    throw error;
  }
  return [];
}

const keys = (...entries: unknown[]) => JSON.stringify({ keys: entries });
const good = { name: 'scoring', sha256: hash('a'), scopes: ['features:read'] };

describe('a list of keys', () => {
  it('has names, hashes, scopes, and moments at which they expire', () => {
    const entries = [good, { ...good, name: 'other', sha256: hash('b'), expiresAt: '2027-01-31T00:00:00+01:00' }];
    expect(parseKeyList(keys(...entries), 'keys.json')).toEqual(entries);
    expect(parseKeyList('{"keys":[]}', 'keys.json')).toEqual([]);
  });

  it.each([
    ['nonsense', ['is not JSON']],
    ['[]', ['expected {"keys": [...]} and nothing beside it']],
    ['{"keys":[],"key":[]}', ['expected {"keys": [...]} and nothing beside it']],
    ['{"keys":{}}', ['expected {"keys": [...]} and nothing beside it']],
    [keys(null), ['keys[0]: expected an object']],
    [keys({ ...good, name: '' }), [expect.stringMatching(/^keys\[0\]: name must be/)]],
    [keys({ ...good, name: 'a\nb' }), [expect.stringMatching(/^keys\[0\]: name must be/)]],
    [keys({ ...good, sha256: hash('A') }), [expect.stringMatching(/^key "scoring": sha256 must be 64/)]],
    [keys({ ...good, sha256: 'fsk_secret' }), [expect.stringMatching(/^key "scoring": sha256 must be 64/)]],
    [keys({ ...good, scopes: [] }), ['key "scoring": scopes must be a list with at least one scope']],
    [keys({ ...good, scopes: 'admin' }), ['key "scoring": scopes must be a list with at least one scope']],
    [keys({ ...good, scopes: [1] }), ['key "scoring": scopes must be strings']],
    [keys({ ...good, scopes: ['read'] }), [expect.stringMatching(/^key "scoring": expected one of .*, got "read"$/)]],
    [keys({ ...good, expiresAt: '2027-01-31' }), [expect.stringMatching(/^key "scoring": expiresAt must be/)]],
    [
      keys({ ...good, expiresAt: '2027-13-31T00:00:00Z' }),
      [expect.stringMatching(/^key "scoring": expiresAt must be/)],
    ],
    [keys({ ...good, expiresAt: null }), [expect.stringMatching(/^key "scoring": expiresAt must be/)]],
    [keys({ ...good, expires: 1 }), [expect.stringMatching(/^key "scoring": has a field "expires"; known are/)]],
    [keys(good, { ...good, sha256: hash('b') }), ['"scoring" and "scoring" have the same name']],
    [keys(good, { ...good, name: 'other' }), ['"scoring" and "other" have the same sha256']],
  ])('%s is refused, and its error names the entry and what is wrong', (text, problems) => {
    expect(problemsOf(text)).toEqual(problems);
  });

  it('tells everything that is wrong at once', () => {
    expect(problemsOf(keys({ ...good, scopes: ['read', 'write'] }, { ...good, name: 7 }))).toHaveLength(3);
  });

  it('never tells what was in it: it may be a secret in the wrong place', () => {
    for (const text of ['fsk_secret', keys({ ...good, sha256: 'fsk_secret' }), keys('fsk_secret')]) {
      expect(problemsOf(text).join()).not.toContain('fsk_');
    }
  });

  it('takes the entry of a new key, of which no two are alike', () => {
    const made = Array.from({ length: 100 }, (_, i) => newKey(`key ${i}`, ['admin']));
    expect(new Set(made.map(({ secret }) => secret)).size).toBe(100);
    for (const { secret } of made) expect(secret).toMatch(/^fsk_[A-Za-z0-9_-]{43}$/);
    expect(parseKeyList(keys(...made.map(({ entry }) => entry)), 'keys.json')).toHaveLength(100);
    expect(JSON.stringify(made.map(({ entry }) => entry))).not.toContain('fsk_');
  });
});
