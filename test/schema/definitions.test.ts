import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { views } from '../../schema/index.ts';
import { type Definitions, definitionConflicts, definitionsOf, definitionsText } from '../../src/cli/definitions.ts';
import { count, entity, event, sum, type View, view } from '../../src/define/index.ts';

const user = entity('User', { description: '' });
const login = event('Login', {
  description: '',
  id: 'loginId',
  time: 'at',
  fields: {
    loginId: { type: 'id', description: '' },
    userId: { type: 'id', description: '' },
    adminId: { type: 'id', description: '' },
    seconds: { type: 'number', description: '' },
    at: { type: 'time', description: '' },
  },
});

const base = { version: 1, entity: user, from: login, by: 'userId', description: '' } as const;
const hour = { count1h: count({ window: '1h' }) };

const logins = view('logins', { ...base, features: hour });
const longer = { count1h: count({ window: '2h' }) };

const committed = definitionsOf([logins]);

test('the definitions of this deployment are committed', () => {
  const text = readFileSync(new URL('../../schema/definitions.json', import.meta.url), 'utf8');
  expect(definitionsText(definitionsOf(views))).toBe(text);
});

describe('committed definitions give way to', () => {
  test('nothing new', () => {
    expect(definitionConflicts(committed, [logins])).toEqual([]);
  });

  test('a feature or a view more', () => {
    const more = view('logins', { ...base, features: { ...hour, count1d: count({ window: '1d' }) } });
    expect(definitionConflicts(committed, [more])).toEqual([]);
    expect(definitionConflicts({}, [more])).toEqual([]);
  });

  test('other words for the same', () => {
    const same = { count1h: count({ window: '60m', description: 'How often.' }) };
    expect(definitionConflicts(committed, [view('logins', { ...base, features: same })])).toEqual([]);
  });

  test('a new version that means something else', () => {
    expect(definitionConflicts(committed, [view('logins', { ...base, version: 2, features: longer })])).toEqual([]);
  });

  test('an entry that was deleted by hand', () => {
    const without: Definitions = { 'logins v1': {} };
    expect(definitionConflicts(without, [view('logins', { ...base, features: longer })])).toEqual([]);
  });
});

describe('committed definitions refuse', () => {
  const changed: { readonly [change: string]: View } = {
    'another window': view('logins', { ...base, features: longer }),
    'a delay': view('logins', { ...base, features: { count1h: count({ window: '1h', delay: '1h' }) } }),
    'a filter': view('logins', {
      ...base,
      features: { count1h: count({ window: '1h', where: { seconds: { gt: 1 } } }) },
    }),
    'another aggregation': view('logins', { ...base, features: { count1h: sum('seconds', { window: '1h' }) } }),
    'another field for the entity': view('logins', { ...base, by: 'adminId', features: hour }),
    'another time of its event': view('logins', { ...base, from: { ...login, time: 'leftAt' }, features: hour }),
    'another id of its event': view('logins', { ...base, from: { ...login, id: 'adminId' }, features: hour }),
    'another event': view('logins', { ...base, from: { ...login, name: 'Logout' }, features: hour }),
  };

  test.for(Object.entries(changed))('%s under the same version, naming view and feature', ([_, now]) => {
    expect(definitionConflicts(committed, [now])).toEqual([
      expect.stringMatching(/^view logins v1, feature count1h: was «.*» and is now «.*»; give it another name/),
    ]);
  });

  test('a feature less', () => {
    expect(definitionConflicts(committed, [view('logins', { ...base, features: { other: hour.count1h } })])).toEqual([
      expect.stringMatching(/^view logins v1, feature count1h: .* is no longer defined/),
    ]);
  });

  test('a view less', () => {
    expect(definitionConflicts(committed, [])).toEqual([
      expect.stringMatching(/^view logins v1: is no longer defined/),
    ]);
  });

  test('a derivation that computes something else', () => {
    const derived = (compute: (f: { readonly count1h: number }) => number) =>
      view('logins', { ...base, features: hour, derived: { rate: compute } });
    const rate = definitionsOf([derived((f) => f.count1h / 60)]);
    expect(definitionConflicts(rate, [derived((f) => f.count1h / 60)])).toEqual([]);
    expect(definitionConflicts(rate, [derived((f) => f.count1h / 3600)])).toEqual([
      expect.stringMatching(/^view logins v1, feature rate: was «derived .*60» and is now «derived .*3600»/),
    ]);
  });
});
