import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Action, actions, Grants, type GuardedView } from '../../src/access/index.ts';

const entities = [{ name: 'User' }, { name: 'Merchant' }];
const views: readonly GuardedView[] = [
  { name: 'user_risk_profile', entity: { name: 'User' } },
  { name: 'user_habits', entity: { name: 'User' } },
  { name: 'merchant_activity', entity: { name: 'Merchant' } },
];
const ids = ['', 'a', 'ab', 'abc', 'b', 'a b', 'a:b', '100%', 'a*'];

/** What scopes allow, spelt out: each is compared as a text with all that it could have been written for. */
function isAllowed(scopes: readonly string[], action: Action, view: GuardedView | null, id: string | null): boolean {
  const written: string[] = ['admin', action];
  for (const name of view ? [view.name, view.entity.name] : []) {
    written.push(`${action}:${name}`);
    if (id === null) continue;
    written.push(`${action}:${name}:${encoded(id)}`);
    for (let length = 0; length <= id.length; length++) {
      written.push(`${action}:${name}:${encoded(id.slice(0, length))}*`);
    }
  }
  return written.some((one) => scopes.includes(one));
}

function encoded(id: string): string {
  return encodeURIComponent(id).replaceAll('*', '%2A');
}

const names = ['User', 'Merchant', 'user_risk_profile', 'user_habits', 'merchant_activity', 'Shop'];
const scope = fc.oneof(
  fc.constantFrom(...actions),
  fc
    .tuple(fc.constantFrom('features:read', 'events:write'), fc.constantFrom(...names))
    .map(([action, name]) => `${action}:${name}`),
  fc
    .tuple(
      fc.constantFrom('features:read', 'events:write'),
      fc.constantFrom(...names),
      fc.constantFrom(...ids),
      fc.boolean(),
    )
    .filter(([, , id, isPrefix]) => isPrefix || id !== '')
    .map(([action, name, id, isPrefix]) => `${action}:${name}:${encoded(id)}${isPrefix ? '*' : ''}`),
);

describe('what scopes grant together', () => {
  it('has one text, in whatever order and however often they are given', () => {
    fc.assert(
      fc.property(fc.array(scope, { maxLength: 5 }), (scopes) => {
        const { text } = Grants.of(scopes);
        expect(Grants.of([...scopes, ...scopes].reverse()).text).toBe(text);
        // It says all that they do.
        expect(Grants.of(text === '' ? [] : text.split(' ')).text).toBe(text);
        for (const one of scopes) expect(Grants.of([...text.split(' ').filter(Boolean), one]).text).toBe(text);
      }),
    );
    expect(Grants.of(['features:read:User']).text).not.toBe(Grants.of(['features:read:User:a']).text);
    expect(Grants.all.text).not.toBe(Grants.of(['features:read', 'events:write']).text);
  });

  it('is what any of them does, and no more', () => {
    fc.assert(
      fc.property(fc.array(scope, { maxLength: 4 }), (scopes) => {
        const grants = Grants.of(scopes);
        for (const action of actions) {
          expect(grants.allowsAll(action)).toBe(isAllowed(scopes, action, null, null));
          for (const view of views) {
            for (const id of ids) {
              expect(grants.allows(action, view, id), `${action} ${view.name} ${id}`).toBe(
                isAllowed(scopes, action, view, id),
              );
            }
          }
          for (const entity of entities) {
            for (const id of ids) {
              const whole = { name: 'no view', entity };
              expect(grants.allowsEntity(action, entity, id)).toBe(isAllowed(scopes, action, whole, id));
            }
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  it('is something of a view if there is an id of it that is allowed', () => {
    fc.assert(
      fc.property(fc.array(scope, { maxLength: 4 }), (scopes) => {
        const grants = Grants.of(scopes);
        for (const action of actions) {
          for (const view of views) {
            const granted = scopes
              .filter((one) => [view.name, view.entity.name].some((name) => one.startsWith(`${action}:${name}`)))
              .some((one) => [view.name, view.entity.name].includes(one.split(':')[2] ?? ''));
            expect(grants.allowsSome(action, [view])).toBe(granted || isAllowed(scopes, action, null, null));
          }
          const any = scopes.some((one) => one === 'admin' || one.startsWith(action));
          expect(grants.allowsSome(action)).toBe(any);
        }
        expect(grants.isEmpty).toBe(scopes.length === 0);
      }),
      { numRuns: 500 },
    );
  });

  it('is nothing without scopes, and all with admin', () => {
    for (const action of actions) {
      expect(Grants.none.allowsSome(action)).toBe(false);
      expect(Grants.all.allowsAll(action)).toBe(true);
    }
  });
});
