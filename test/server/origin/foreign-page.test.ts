import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startApi, type TestApi } from '../../support/api.ts';
import { findChromium, launchChromium } from '../../support/chromium.ts';
import { until } from '../../support/until.ts';

const record = (userId: string) =>
  `mutation { recordTransaction(input: { transactionId: "${randomUUID()}", userId: "${userId}", merchantId: "m", amount: 1 }) { status } }`;
const watch = (userId: string) => `subscription { userRiskProfileUpdated(userIds: ["${userId}"]) { cause } }`;

async function count(api: TestApi, id: string): Promise<number> {
  const { data } = await api.ask<{ user: { riskProfile: { txnCount1h: number } } }>(
    'query ($id: ID!) { user(id: $id) { riskProfile { txnCount1h } } }',
    { id },
  );
  return data?.user.riskProfile.txnCount1h ?? Number.NaN;
}

describe('what needs no leave of ours changes nothing', () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await startApi();
  });
  afterAll(() => api?.stop());

  const boundary = 'xyz';
  const bodies: readonly (readonly [string, (query: string) => string])[] = [
    ['application/x-www-form-urlencoded', (query) => `query=${encodeURIComponent(query)}`],
    [
      `multipart/form-data; boundary=${boundary}`,
      (query) => `--${boundary}\r\nContent-Disposition: form-data; name="query"\r\n\r\n${query}\r\n--${boundary}--\r\n`,
    ],
    [
      `multipart/form-data; boundary=${boundary}`,
      (query) =>
        `--${boundary}\r\nContent-Disposition: form-data; name="operations"\r\n\r\n${JSON.stringify({ query })}\r\n--${boundary}--\r\n`,
    ],
    ['text/plain', (query) => JSON.stringify({ query })],
    ['text/plain; charset=application/json', (query) => JSON.stringify({ query })],
    ['text/plain;application/json', (query) => JSON.stringify({ query })],
    ['', (query) => JSON.stringify({ query })],
  ];

  it.each(bodies)('a POST of %j is 415', async (type, body) => {
    const user = randomUUID();
    for (const accept of ['*/*', 'text/html', 'application/json', 'text/event-stream']) {
      const response = await fetch(api.graphqlUrl, {
        method: 'POST',
        headers: { 'content-type': type, accept },
        body: Buffer.from(body(record(user))),
      });
      expect([406, 415]).toContain(response.status);
    }
    expect(await count(api, user)).toBe(0);
  });

  it.each(['application/json', 'application/graphql-response+json', 'text/event-stream', 'multipart/mixed', '*/*'])(
    'a mutation by GET is not executed, though %s is accepted',
    async (accept) => {
      const user = randomUUID();
      const search = `?query=${encodeURIComponent(record(user))}`;
      const response = await fetch(api.graphqlUrl + search, { headers: { accept } });
      expect(response.status).toBe(405);
      // Of a document with a query beside it, too.
      const both = `?operationName=M&query=${encodeURIComponent(`query Q { __typename } ${record(user).replace('mutation', 'mutation M')}`)}`;
      expect((await fetch(api.graphqlUrl + both, { headers: { accept } })).status).toBe(405);
      expect(await count(api, user)).toBe(0);
    },
  );

  it('nor is it for a stream that was reserved, though its token is known', async () => {
    const user = randomUUID();
    const token = await (await fetch(api.graphqlUrl, { method: 'PUT' })).text();
    const query = encodeURIComponent(record(user));
    const response = await fetch(
      `${api.graphqlUrl}?token=${token}&query=${query}&extensions=${encodeURIComponent('{"operationId":"1"}')}`,
      { headers: { accept: 'application/json' } },
    );
    expect(response.status).toBe(405);
    expect(await count(api, user)).toBe(0);
  });

  it.each(['HEAD', 'OPTIONS'])('a %s asks nothing', async (method) => {
    const user = randomUUID();
    for (const query of [record(user), '{ __typename }']) {
      const response = await fetch(`${api.graphqlUrl}?query=${encodeURIComponent(query)}`, { method });
      expect(response.status).toBe(405);
    }
    expect(await count(api, user)).toBe(0);
  });
});

const executable = findChromium();

describe.skipIf(executable === null)('a page of another origin, in a browser', () => {
  let browser: Browser;
  let api: TestApi;
  let elsewhere: Server;
  let listed: Server;

  beforeAll(async () => {
    elsewhere = await servePage();
    listed = await servePage();
    api = await startApi({ guard: { corsOrigins: [originOf(listed)] } });
    browser = await launchChromium(executable as string);
  });
  afterAll(async () => {
    await browser?.close();
    await api?.stop();
    elsewhere?.close();
    listed?.close();
  });

  async function servePage(): Promise<Server> {
    const server = createServer((_, response) => response.setHeader('content-type', 'text/html').end('<p>page'));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return server;
  }

  /** Of another host than the API's, and so of another site. */
  function originOf(server: Server): string {
    return `http://localhost:${(server.address() as AddressInfo).port}`;
  }

  async function open(server: Server): Promise<Page> {
    const context = await browser.newContext();
    onTestFinished(() => context.close());
    const page = await context.newPage();
    await page.goto(originOf(server));
    return page;
  }

  /** All lines of the log about requests to the path of GraphQL, by method and status. */
  function requests(since: number): string[] {
    return api.log
      .slice(since)
      .map((line) => JSON.parse(line) as { msg: string; path?: string; method?: string; status?: number })
      .filter(({ msg, path }) => msg === 'request' && path === '/graphql')
      .map(({ method, status }) => `${method} ${status}`);
  }

  it.each(['application/x-www-form-urlencoded', 'multipart/form-data', 'text/plain'])(
    'records nothing by a form of %s',
    async (encoding) => {
      const user = randomUUID();
      const before = api.log.length;
      const page = await open(elsewhere);
      const answered = page.waitForResponse(api.graphqlUrl);
      await page.evaluate(
        ({ url, encoding, query }) => {
          const form = document.createElement('form');
          Object.assign(form, { action: url, method: 'POST', enctype: encoding });
          const field = document.createElement('input');
          // As text/plain, a form can be made to look like JSON.
          Object.assign(field, { name: `{"query":${JSON.stringify(query)},"a":"`, value: '"}' });
          const plain = document.createElement('input');
          Object.assign(plain, { name: 'query', value: query });
          form.append(encoding === 'text/plain' ? field : plain);
          document.body.append(form);
          form.submit();
        },
        { url: api.graphqlUrl, encoding, query: record(user) },
      );
      // A browser takes a page, so that it is the answer which is refused first.
      expect([406, 415]).toContain((await answered).status());
      expect(requests(before).join()).toMatch(/^POST 4(06|15)$/);
      expect(await count(api, user)).toBe(0);
    },
  );

  it('records nothing by a beacon, of whatever type it may be', async () => {
    const user = randomUUID();
    const before = api.log.length;
    const page = await open(elsewhere);
    await page.evaluate(
      ({ url, body }) => {
        navigator.sendBeacon(url, body);
        navigator.sendBeacon(url, new Blob([body], { type: 'text/plain' }));
        navigator.sendBeacon(url, new URLSearchParams({ query: JSON.parse(body).query }));
        // This one is not sent without leave.
        navigator.sendBeacon(url, new Blob([body], { type: 'application/json' }));
      },
      { url: api.graphqlUrl, body: JSON.stringify({ query: record(user) }) },
    );
    await until(() => requests(before).length >= 4);
    expect(requests(before).sort()).toEqual(['OPTIONS 405', 'POST 415', 'POST 415', 'POST 415']);
    expect(await count(api, user)).toBe(0);
  });

  it('records and reads nothing by fetch', async () => {
    const user = randomUUID();
    const page = await open(elsewhere);
    const outcomes = await page.evaluate(
      async ({ url, query }) => {
        const tried = [
          fetch(url, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify({ query }),
          }),
          fetch(url, { method: 'POST', mode: 'no-cors', body: JSON.stringify({ query }) }),
          fetch(`${url}?query=${encodeURIComponent(query)}`, { mode: 'no-cors' }),
          fetch(`${url}?query={__typename}`),
          fetch(url, { method: 'PUT' }),
        ];
        return (await Promise.allSettled(tried)).map((one) => (one.status === 'fulfilled' ? one.value.type : 'failed'));
      },
      { url: api.graphqlUrl, query: record(user) },
    );
    // What comes back opaque can be read by nobody; most do not even come, since they must not be embedded.
    expect(outcomes.filter((one) => one !== 'opaque' && one !== 'failed')).toEqual([]);
    expect(await count(api, user)).toBe(0);
  });

  it('watches nothing, by an event source or a WebSocket', async () => {
    const page = await open(elsewhere);
    const { subscriptions } = api.backend.current().hub.load;
    const before = api.log.length;
    const outcomes = await page.evaluate(
      ({ url, query }) => {
        const failed = (target: EventTarget) =>
          new Promise((resolve) => {
            target.addEventListener('error', () => resolve('failed'));
            for (const name of ['open', 'message', 'next']) target.addEventListener(name, () => resolve(name));
          });
        return Promise.all([
          failed(new EventSource(`${url}?query=${encodeURIComponent(query)}`)),
          failed(new WebSocket(url.replace('http', 'ws'), 'graphql-transport-ws')),
        ]);
      },
      { url: api.graphqlUrl, query: watch('foreign') },
    );
    expect(outcomes).toEqual(['failed', 'failed']);
    await until(() => requests(before).length >= 1);
    expect(requests(before)).toContain('GET 403');
    expect(api.backend.current().hub.load.subscriptions).toBe(subscriptions);
  });

  it('embeds no answer, as a picture, a script or a frame', async () => {
    const page = await open(elsewhere);
    const outcomes = await page.evaluate((url) => {
      const loaded = (tag: 'img' | 'script', src: string) =>
        new Promise((resolve) => {
          const element = document.createElement(tag);
          element.addEventListener('load', () => resolve('loaded'));
          element.addEventListener('error', () => resolve('failed'));
          element.src = src;
          document.body.append(element);
        });
      return Promise.all([
        loaded('img', `${url}/graphql?query={__typename}`),
        loaded('script', `${url}/schema.graphql`),
      ]);
    }, api.url);
    expect(outcomes).toEqual(['failed', 'failed']);
    for (const path of ['/', '/graphql']) {
      const answered = page.waitForResponse(api.url + path);
      await page.evaluate((src) => {
        const frame = document.createElement('iframe');
        frame.src = src;
        document.body.append(frame);
      }, api.url + path);
      await answered;
      const framed = () =>
        page
          .frames()
          .find((one) => one !== page.mainFrame())
          ?.url();
      await until(() => framed()?.startsWith('chrome-error:'));
      await page.reload();
    }
  });

  it('does all of it where it is listed', async () => {
    const user = randomUUID();
    const page = await open(listed);
    const outcomes = await page.evaluate(
      async ({ url, recording, watching }) => {
        const recorded = await fetch(url, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'x-request-id': 'of-a-page' },
          body: JSON.stringify({ query: recording }),
        });
        const read = await fetch(`${url}?query={__typename}`);
        const source = new EventSource(`${url}?query=${encodeURIComponent(watching)}`);
        const watched = await new Promise((resolve) => {
          source.addEventListener('next', () => resolve('next'));
          source.addEventListener('error', () => resolve('failed'));
        });
        source.close();
        const socket = new WebSocket(url.replace('http', 'ws'), 'graphql-transport-ws');
        const opened = await new Promise((resolve) => {
          socket.addEventListener('open', () => resolve('open'));
          socket.addEventListener('error', () => resolve('failed'));
        });
        socket.close();
        return [recorded.headers.get('x-request-id'), await read.json(), watched, opened];
      },
      { url: api.graphqlUrl, recording: record(user), watching: watch(user) },
    );
    expect(outcomes).toEqual(['of-a-page', { data: { __typename: 'Query' } }, 'next', 'open']);
    expect(await count(api, user)).toBe(1);
  });

  it('and GraphiQL works under its own policy', async () => {
    const context = await browser.newContext();
    onTestFinished(() => context.close());
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(`${api.graphqlUrl}?query=${encodeURIComponent('{ user(id: "in-graphiql") { id } }')}`);
    await page.getByRole('button', { name: /execute/i }).click();
    await page.locator('.result-window').getByText('"in-graphiql"').waitFor();
    expect(complaints.filter((text) => /Content Security Policy|Refused/.test(text))).toEqual([]);
  });
});
