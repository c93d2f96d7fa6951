import { randomUUID } from 'node:crypto';
import { createClient } from 'graphql-sse';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApi, type TestApi } from '../../support/api.ts';
import { until } from '../../support/until.ts';

let api: TestApi;

beforeAll(async () => {
  api = await startApi();
});

afterAll(() => api?.stop());

const watchUsers = `subscription ($userIds: [ID!]!) {
  userRiskProfileUpdated(userIds: $userIds) { cause user { id riskProfile { txnCount1h } } }
}`;

function record(userId: string) {
  return api.ask('mutation ($input: TransactionInput!) { recordTransaction(input: $input) { status } }', {
    input: { transactionId: randomUUID(), userId, merchantId: 'm', amount: 2 },
  });
}

describe('GraphQL over SSE', () => {
  it('sends a snapshot, then every change, and lets go when the client leaves', async () => {
    const user = randomUUID();
    const client = createClient({ url: api.graphqlUrl, retryAttempts: 0 });
    const updates = client.iterate({ query: watchUsers, variables: { userIds: [user] } });
    const row = (cause: string, count: number) => ({
      data: { userRiskProfileUpdated: [{ cause, user: { id: user, riskProfile: { txnCount1h: count } } }] },
    });
    expect((await updates.next()).value).toEqual(row('SNAPSHOT', 0));
    for (const count of [1, 2, 3]) {
      await record(user);
      expect((await updates.next()).value).toEqual(row('EVENT', count));
    }
    await updates.return?.();
    await until(() => api.backend.current().hub.load.subscriptions === 0);
    client.dispose();
  });

  it('answers by GET too, as browsers’ EventSource asks', async () => {
    const url = new URL(api.graphqlUrl);
    url.searchParams.set('query', watchUsers);
    url.searchParams.set('variables', JSON.stringify({ userIds: ['someone'] }));
    const leave = new AbortController();
    const response = await fetch(url, { headers: { accept: 'text/event-stream' }, signal: leave.signal });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    let text = '';
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk;
      if (text.includes('\n\nevent: next')) break;
    }
    expect(text).toContain('"cause":"SNAPSHOT"');
    leave.abort();
  });

  it.each([
    ['{ user(', {}, 'GRAPHQL_PARSE_FAILED'],
    ['subscription { nothing }', {}, 'GRAPHQL_VALIDATION_FAILED'],
    [watchUsers, {}, 'BAD_USER_INPUT'],
    [watchUsers, { userIds: Array(1_001).fill('u') }, 'TOO_MANY_IDS'],
    [`subscription { ${'a { '.repeat(30)} b ${'} '.repeat(30)} }`, {}, 'QUERY_TOO_COMPLEX'],
  ])('says what is wrong, and completes: %s', async (query, variables, code) => {
    const response = await fetch(api.graphqlUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ query, variables }),
    });
    const text = await response.text();
    const events = text.split('\n\n').filter((event) => event.startsWith('event:'));
    expect(events.map((event) => event.split('\n', 1)[0])).toEqual(['event: next', 'event: complete']);
    const { errors } = JSON.parse(events[0]?.split('data: ')[1] ?? '') as { errors: { extensions: unknown }[] };
    expect(errors[0]?.extensions).toMatchObject({ code });
    expect(errors[0]?.extensions).not.toHaveProperty('http');
  });
});
