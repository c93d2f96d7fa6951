import { beforeAll, describe, expect, test } from 'vitest';
import { schema, views } from '../../schema/index.ts';
import { faults, Service } from './service.ts';

const search = `query ($text: String!, $first: Int! = 20) {
  searchEntities(text: $text, first: $first) { complete found { entity id } }
}`;

const record = `mutation ($input: [TransactionInput!]!) { recordTransactions(input: $input) { recorded } }`;

let service: Service;

interface Search {
  readonly found: readonly { readonly entity: string; readonly id: string }[];
  readonly complete: boolean;
}

async function find(text: string, first = 20) {
  const { data, errors } = await service.run(search, { text, first });
  if (!data) throw errors?.[0];
  const { found, complete } = data.searchEntities as Search;
  return { complete, found: found.map(({ entity, id }) => `${entity} ${id}`).sort() };
}

// One store for all: searches change nothing.
describe('a search for entities by a part of their id', () => {
  beforeAll(async () => {
    service = await Service.openFor(schema, views);
    const pairs = [
      ['Anna', 'Bookshop'],
      ['hannah', 'bakery'],
      ['{50%}*', 'q?[x]'],
      ['50', 'Ñandú'],
    ];
    const input = pairs.map(([userId, merchantId], i) => ({ transactionId: `t${i}`, userId, merchantId, amount: 1 }));
    await service.run(record, { input });
    return () => service.close();
  });

  test('finds users and merchants, in capitals or not', async () => {
    expect(await find('ANNA')).toEqual({ complete: true, found: ['User Anna', 'User hannah'] });
    expect(await find('b')).toEqual({ complete: true, found: ['Merchant Bookshop', 'Merchant bakery'] });
    expect((await find('')).found).toHaveLength(8);
    expect(await find('ñ')).toEqual({ complete: true, found: [] }); // other letters are taken as they are
    expect(await find('Ñ')).toEqual({ complete: true, found: ['Merchant Ñandú'] });
  });

  test('takes signs that mean something to keys, patterns and encodings as they are', async () => {
    for (const text of ['{', '%', '}', '*', '{50%}*']) expect((await find(text)).found).toEqual(['User {50%}*']);
    for (const text of ['?', '[', '[x]', 'q?[x]']) expect((await find(text)).found).toEqual(['Merchant q?[x]']);
    expect((await find('\\')).found).toEqual([]);
    expect((await find('50')).found).toEqual(['User 50', 'User {50%}*']);
    expect((await find('25')).found).toEqual([]); // which is how % is encoded
    expect((await find('7b')).found).toEqual([]); // which is how { is
  });

  test('brings so many, and says that there are more', async () => {
    expect((await find('', 7)).complete).toBe(false);
    expect((await find('', 7)).found).toHaveLength(7);
    expect((await find('', 8)).complete).toBe(true);
  });

  test('finds nothing of an entity that was forgotten', async () => {
    await service.run(record, {
      input: [{ transactionId: 'gone', userId: 'leaver', merchantId: 'bakery', amount: 1 }],
    });
    expect((await find('leaver')).found).toEqual(['User leaver']);
    await service.run('mutation { forgetUser(id: "leaver") { status } }');
    expect((await find('leaver')).found).toEqual([]);
  });

  test('sees nothing under another prefix', async () => {
    const other = await Service.open(schema, views);
    const { data } = await other.run(search, { text: '' });
    expect(data?.searchEntities).toEqual({ complete: true, found: [] });
  });

  test('refuses what no search needs', async () => {
    for (const variables of [
      { text: '', first: 0 },
      { text: '', first: 101 },
      { text: 'x'.repeat(257), first: 1 },
    ]) {
      expect(faults(await service.run(search, variables))).toEqual([
        { code: 'BAD_USER_INPUT', path: 'searchEntities' },
      ]);
    }
  });

  test('is UNAVAILABLE without a store', async () => {
    const away = await Service.open(schema, views);
    away.cutOff();
    expect(faults(await away.run(search, { text: '' }))).toEqual([{ code: 'UNAVAILABLE', path: 'searchEntities' }]);
  });
});
