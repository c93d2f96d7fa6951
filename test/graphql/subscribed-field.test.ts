import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApi, type TestApi } from '../support/api.ts';
import { ProtocolSocket } from '../support/protocol-socket.ts';
import { until } from '../support/until.ts';

const watch = 'userRiskProfileUpdated(userIds: ["a"], minIntervalMs: 60000)';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api?.stop());

async function overSse(query: string): Promise<{ readonly status: number; readonly body: string }> {
  const response = await fetch(api.graphqlUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({ query }),
  });
  return { status: response.status, body: await response.text() };
}

describe('a subscription', () => {
  it.each([
    `subscription { ${watch} @skip(if: true) { cause } }`,
    `subscription { ${watch} @include(if: false) { cause } }`,
    `subscription { ... @skip(if: true) { ${watch} { cause } } }`,
    `subscription { ...w @include(if: false) } fragment w on Subscription { ${watch} { cause } }`,
    `subscription { ...w } fragment w on Subscription { ${watch} @skip(if: true) { cause } }`,
  ])('of which nothing is left is refused, and costs nobody the socket: %s', async (query) => {
    const refusal = { message: expect.stringContaining('asks for nothing'), extensions: { code: 'BAD_USER_INPUT' } };
    const socket = await ProtocolSocket.open(api.webSocketUrl);
    socket.subscribe('w', `subscription { ${watch} { cause } }`);
    socket.subscribe('1', query);
    await until(() => socket.about('1').length === 2 && socket.about('w').length > 0);
    expect(socket.about('1')).toMatchObject([{ payload: { errors: [refusal] } }, { type: 'complete' }]);
    socket.complete('w');
    socket.subscribe('2', '{ user(id: "u") { id } }');
    await until(() => socket.about('2').length === 2);
    expect(socket.about('2')[0]).toMatchObject({ payload: { data: { user: { id: 'u' } } } });
    socket.socket.close();
    expect((await overSse(query)).body).toContain('asks for nothing');
    expect(api.log.filter((line) => JSON.parse(line).level >= 40)).toEqual([]);
  });

  it.each([
    `subscription { ${watch} @skip(if: false) { cause } }`,
    `subscription { ... { ...w @include(if: true) } } fragment w on Subscription { ${watch} { cause } }`,
  ])('of which its field is left goes on: %s', async (query) => {
    const socket = await ProtocolSocket.open(api.webSocketUrl);
    socket.subscribe('1', query);
    await until(() => socket.about('1').length > 0);
    expect(socket.about('1')).toMatchObject([{ type: 'next', payload: { data: {} } }]);
    socket.socket.close();
  });
});
