import { getIntrospectionQuery } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApi, type TestApi } from '../../support/api.ts';
import { ProtocolSocket } from '../../support/protocol-socket.ts';
import { until } from '../../support/until.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startApi({ introspection: false });
});
afterAll(() => api?.stop());

describe('an API that does not tell its schema to anyone', () => {
  it.each([
    ['what tools ask', getIntrospectionQuery()],
    ['a type', '{ __type(name: "User") { name } }'],
    [
      'the schema beside something else, under another name',
      '{ user(id: 1) { id } x: __schema { queryType { name } } }',
    ],
    ['the schema in a fragment', '{ ...F } fragment F on Query { __schema { queryType { name } } }'],
  ])('refuses %s, each time', async (_, query) => {
    for (let i = 0; i < 4; i++) {
      const { status, data, errors } = await api.ask(query);
      expect({ status, data }).toEqual({ status: 403, data: undefined });
      expect(errors?.[0]).toMatchObject({
        message: expect.stringContaining('/schema.graphql'),
        extensions: { code: 'FORBIDDEN' },
      });
    }
  });

  it('refuses it by WebSocket', async () => {
    const socket = await ProtocolSocket.open(api.webSocketUrl);
    socket.subscribe('s', '{ __schema { queryType { name } } }');
    await until(() => socket.about('s').length === 1);
    expect(socket.about('s')).toMatchObject([{ type: 'error', payload: [{ extensions: { code: 'FORBIDDEN' } }] }]);
    socket.socket.close();
  });

  it('answers what is asked of types by the way, and tells the schema at its page', async () => {
    expect(await api.ask('{ __typename user(id: 1) { __typename } }')).toMatchObject({
      status: 200,
      data: { __typename: 'Query', user: { __typename: 'User' } },
    });
    expect((await api.get('/schema.graphql')).status).toBe(200);
  });

  it('has no GraphiQL', async () => {
    const response = await fetch(api.graphqlUrl, { headers: { accept: 'text/html' } });
    expect(response.status).toBe(406);
  });
});
