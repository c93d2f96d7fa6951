import { describe, expect, test } from 'vitest';
import { camelCase, entity, event, pascalCase, snakeCase } from '../../src/define/index.ts';

describe('names', () => {
  test.each([
    ['txnCount1h', 'txn_count_1h'],
    ['txnCount24h', 'txn_count_24h'],
    ['avgTxnAmount', 'avg_txn_amount'],
    ['uniqueMerchants30d', 'unique_merchants_30d'],
    ['lastTxnAt', 'last_txn_at'],
    ['labelledTxnCount1d', 'labelled_txn_count_1d'],
    ['amount', 'amount'],
    ['top3Share', 'top_3_share'],
  ])('the feature %s has the hash field %s', (name, hashField) => {
    expect(snakeCase(name)).toBe(hashField);
  });

  test('the view user_risk_profile has the type UserRiskProfile and the field userRiskProfile', () => {
    expect(pascalCase('user_risk_profile')).toBe('UserRiskProfile');
    expect(camelCase('UserRiskProfile')).toBe('userRiskProfile');
  });

  test.each(['user', 'User_', 'Üser', '__User', 'Us er', '', '1User'])('an entity cannot be called %j', (name) => {
    expect(() => entity(name, { description: '' })).toThrow(`entity ${name}: the name must be in PascalCase`);
  });

  test.each(['Amount', 'a_b', '__proto', 'a-b', '1st', "a'b", 'é'])('a field cannot be called %j', (name) => {
    const fields = { key: { type: 'id', description: '' }, at: { type: 'time', description: '' } } as const;
    const odd = { ...fields, ...{ [name]: fields.key } };
    expect(() => event('Happening', { description: '', id: 'key', time: 'at', fields: odd })).toThrow(
      `event Happening, field ${name}: the name must be in camelCase`,
    );
  });

  test.each(['constructor', 'toString', 'valueOf'])('nor %j, which every input would seem to hold', (name) => {
    const fields = { key: { type: 'id', description: '' }, at: { type: 'time', description: '' } } as const;
    const inherited = { ...fields, ...{ [name]: { ...fields.key, optional: true } } };
    expect(() => event('Happening', { description: '', id: 'key', time: 'at', fields: inherited })).toThrow(
      `event Happening, field ${name}: every object`,
    );
  });
});
