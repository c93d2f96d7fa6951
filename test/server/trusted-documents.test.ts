import { createHash } from 'node:crypto';
import { print } from 'graphql';
import { createClient } from 'graphql-sse';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clientDocuments, schema } from '../../schema/index.ts';
import { RiskProfileDocument } from '../../schema/operations/generated.ts';
import { Activity, TrustedDocuments } from '../../src/graphql/index.ts';
import { Entrance } from '../../src/server/entrance.ts';
import { createPipeline } from '../../src/server/graphql/pipeline.ts';
import { startApi, type TestApi } from '../support/api.ts';
import { ProtocolSocket } from '../support/protocol-socket.ts';
import { until } from '../support/until.ts';

const text = print(RiskProfileDocument);
const hash = createHash('sha256').update(text).digest('hex');
const watch = 'subscription { userRiskProfileUpdated(userIds: ["u"]) { cause } }';
const watchHash = createHash('sha256').update(watch).digest('hex');
const documents = { ...clientDocuments, [watchHash]: watch };
const variables = { userId: 'u' };
const persistedQuery = (sha256Hash: string) => ({ persistedQuery: { version: 1, sha256Hash } });

let open: TestApi;
let strict: TestApi;

beforeAll(async () => {
  open = await startApi({ documents: new TrustedDocuments(documents) });
  strict = await startApi({ documents: new TrustedDocuments(documents, { isExclusive: true }) });
});

afterAll(async () => {
  await open?.stop();
  await strict?.stop();
});

async function post(api: TestApi, body: object, accept = 'application/json') {
  const response = await fetch(api.graphqlUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as { data?: unknown; errors?: object[] } };
}

const served = { status: 200, body: { data: { user: { id: 'u', riskProfile: { txnCount1h: 0 } } } } };
const refused = (code: string) => ({ errors: [{ extensions: { code } }] });

describe('a document of schema/operations', () => {
  it.each([
    ['as drafts of GraphQL over HTTP have it', { documentId: `sha256:${hash}`, variables }],
    ['as clients of Apollo have it', { extensions: persistedQuery(hash), variables }],
    ['with the name of its operation', { documentId: `sha256:${hash}`, operationName: 'RiskProfile', variables }],
  ])('is served by its hash, %s, and compiled before it is first asked for', async (_, body) => {
    const { short } = open.server.ways;
    expect(await post(open, body)).toMatchObject(served);
    expect(open.server.ways.short).toBe(short + 1);
    expect(await post(strict, body)).toMatchObject(served);
  });

  it('is served by its hash to a GET', async () => {
    const search = new URLSearchParams({ documentId: `sha256:${hash}`, variables: JSON.stringify(variables) });
    const response = await fetch(`${open.graphqlUrl}?${search}`);
    expect({ status: response.status, body: await response.json() }).toMatchObject(served);
  });

  it('is meant by its hash, whatever text comes with it', async () => {
    const body = { query: '{ featureViews { name } }', documentId: hash, variables };
    expect(await post(open, body)).toMatchObject(served);
    expect(await post(strict, body)).toMatchObject(served);
  });
});

describe('a hash that nobody knows', () => {
  const unknown = { extensions: persistedQuery('0'.repeat(64)), variables };

  it('is told so, in the words after which clients send the text', async () => {
    for (const api of [open, strict]) {
      const answer = await post(api, unknown);
      expect(answer).toMatchObject({ status: 200, body: refused('PERSISTED_QUERY_NOT_FOUND') });
      expect(answer.body.errors).toMatchObject([{ message: 'PersistedQueryNotFound' }]);
      expect((await post(api, unknown, 'application/graphql-response+json')).status).toBe(400);
    }
  });

  it('matters not where the text comes with it, unless only known ones are served', async () => {
    const withText = { ...unknown, query: '{ user(id: "u") { id } }' };
    expect(await post(open, withText)).toMatchObject({ body: { data: { user: { id: 'u' } } } });
    expect(await post(strict, withText)).toMatchObject({ body: refused('FORBIDDEN') });
  });
});

describe('where only known documents are served', () => {
  const other = '{ user(id: "u") { id } }';

  it('another is forbidden, however often it comes', async () => {
    for (let i = 0; i < 5; i++) {
      const answer = await post(strict, { query: other }, 'application/graphql-response+json');
      expect(answer).toMatchObject({ status: 403, body: refused('FORBIDDEN') });
    }
    const byGet = await fetch(`${strict.graphqlUrl}?query=${encodeURIComponent(other)}`);
    expect(await byGet.json()).toMatchObject(refused('FORBIDDEN'));
  });

  it.each(['*/*', 'application/json'])('that is an error by status 200 for whoever accepts %s', async (accept) => {
    const answer = await post(strict, { query: other }, accept);
    expect(answer).toMatchObject({ status: 200, body: refused('FORBIDDEN') });
    expect(answer.body.data ?? null).toBeNull();
  });

  it('a known one is served by its text', async () => {
    expect(await post(strict, { query: text, variables })).toMatchObject(served);
  });

  it('a WebSocket serves a known one, by text or by hash, and no other', async () => {
    const socket = await ProtocolSocket.open(strict.webSocketUrl);
    socket.subscribe('text', watch);
    socket.send({ type: 'subscribe', id: 'hash', payload: { query: '', extensions: persistedQuery(watchHash) } });
    socket.subscribe('other', other);
    await until(() => ['text', 'hash', 'other'].every((id) => socket.about(id).length > 0));
    expect(socket.about('text')).toMatchObject([{ type: 'next' }]);
    expect(socket.about('hash')).toMatchObject([{ type: 'next' }]);
    expect(socket.about('other')).toMatchObject([{ type: 'error', payload: [{ extensions: { code: 'FORBIDDEN' } }] }]);
    socket.socket.terminate();
  });

  it('an event stream serves a known one and no other', async () => {
    const client = createClient({ url: strict.graphqlUrl, retryAttempts: 0 });
    const first = async (query: string) => {
      for await (const result of client.iterate({ query })) return result;
      return null;
    };
    expect(await first(watch)).toMatchObject({ data: { userRiskProfileUpdated: [{ cause: 'SNAPSHOT' }] } });
    expect(await first('subscription { serverActivity { at } }')).toMatchObject(refused('FORBIDDEN'));
    client.dispose();
  });
});

describe('a document that could never be served', () => {
  it.each([
    ['is not valid', '{ nothing }', 'Cannot query field'],
    [
      'is beyond a limit',
      `{ ${Array.from({ length: 101 }, (_, i) => `a${i}: featureViews { name }`).join(' ')} }`,
      'the limit is',
    ],
  ])('keeps the server from starting where it %s', (_, query, why) => {
    const backend = () => {
      throw new Error('nothing is executed');
    };
    const log = pino({ level: 'silent' });
    const documents = new TrustedDocuments({ hash: query });
    const options = { schema, backend, activity: new Activity(), log, documents, introspection: true };
    expect(() => createPipeline({ ...options, entrance: new Entrance(null) })).toThrow(why);
  });
});
