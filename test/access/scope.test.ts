import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseScope, ScopeError, scopeText } from '../../src/access/index.ts';

describe('a scope', () => {
  it.each([
    ['features:read', { action: 'features:read', target: null, ids: null }],
    ['admin', { action: 'admin', target: null, ids: null }],
    ['features:read:User', { action: 'features:read', target: 'User', ids: null }],
    ['events:write:user_risk_profile', { action: 'events:write', target: 'user_risk_profile', ids: null }],
    ['features:read:User:acme-*', { action: 'features:read', target: 'User', ids: { text: 'acme-', isPrefix: true } }],
    [
      'features:read:User:acme-1',
      { action: 'features:read', target: 'User', ids: { text: 'acme-1', isPrefix: false } },
    ],
    [
      'events:write:User:a%20b%3Ac%25%2A*',
      { action: 'events:write', target: 'User', ids: { text: 'a b:c%*', isPrefix: true } },
    ],
    ['features:read:User:a%2A', { action: 'features:read', target: 'User', ids: { text: 'a*', isPrefix: false } }],
    [
      'features:read:User:%E5%95%86店',
      { action: 'features:read', target: 'User', ids: { text: '商店', isPrefix: false } },
    ],
    ['features:read:User:*', { action: 'features:read', target: 'User', ids: { text: '', isPrefix: true } }],
  ])('%s says what it grants', (text, grant) => {
    expect(parseScope(text)).toEqual(grant);
  });

  it.each([
    ['', /expected one of features:read, events:write, admin, got ""/],
    ['read', /expected one of/],
    ['features:readUser', /expected one of/],
    ['Features:read', /expected one of/],
    ['admin:User', /admin cannot be narrowed/],
    ['features:read:', /the name of an entity or a view/],
    ['features:read:*', /the name of an entity or a view/],
    ['features:read:User:', /expected an id at the end/],
    ['features:read:User:a:b', /write : as %3A/],
    ['features:read:User:\ud800', /percent-encoded UTF-8/],
    ['features:read:User:a b', /write a blank as %20/],
    ['features:read:User:a*b', /\* as %2A/],
    ['features:read:User:a**', /\* as %2A/],
    ['features:read:User:100%', /write % as %25/],
    ['features:read:User:%FF', /percent-encoded UTF-8/],
  ])('%j is none, and its error says why', (text, why) => {
    expect(() => parseScope(text)).toThrow(why);
    expect(() => parseScope(text)).toThrow(ScopeError);
  });

  it('is read as it is written, whatever the id', () => {
    const id = fc.string({ unit: 'grapheme', minLength: 1 });
    fc.assert(
      fc.property(id, fc.boolean(), (text, isPrefix) => {
        const grant = { action: 'features:read', target: 'User', ids: { text, isPrefix } } as const;
        expect(scopeText(grant)).not.toMatch(/\s/);
        expect(parseScope(scopeText(grant))).toEqual(grant);
      }),
    );
  });

  it('does not grow an error beyond what a line of a log takes', () => {
    expect(() => parseScope('x'.repeat(100_000))).toThrow(/^.{0,400}$/);
  });
});
