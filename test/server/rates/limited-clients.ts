import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterEach, expect } from 'vitest';
import type { GuardOptions } from '../../../src/server/guard/guard-options.ts';
import { type ApiOptions, startApi, type TestApi } from '../../support/api.ts';

const apis: TestApi[] = [];
const agents: Agent[] = [];

afterEach(async () => {
  for (const agent of agents.splice(0)) agent.destroy();
  await Promise.all(apis.splice(0).map((api) => api.stop()));
});

/** An API with these limits, until the test is over. */
export async function start(guard: GuardOptions, options: ApiOptions = {}): Promise<TestApi> {
  const api = await startApi({ guard, ...options });
  apis.push(api);
  return api;
}

export interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** A client with a connection of its own, from an address of its own. */
export function clientAt(api: TestApi, localAddress = '127.0.0.1') {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  agents.push(agent);
  return async (body: object | null, headers: { [name: string]: string } = {}, method = 'POST'): Promise<Answer> => {
    const type = body === null ? {} : { 'content-type': 'application/json' };
    const accept = 'application/graphql-response+json';
    const sent = request(api.graphqlUrl, { method, agent, localAddress, headers: { accept, ...type, ...headers } });
    sent.end(body === null ? undefined : JSON.stringify(body));
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    return { status: response.statusCode, headers: response.headers, body: await text(response) };
  };
}

/** A request that costs 1. */
export const one = { query: '{ user(id: "u") { id } }' };
/** What whoever is refused is told. */
export const rateLimited = { errors: [{ extensions: { code: 'RATE_LIMITED', retryAfterMs: expect.any(Number) } }] };

/** How many of so many requests, one behind the other, are let through. */
export async function letThrough(ask: () => Promise<Answer>, times: number): Promise<number> {
  let through = 0;
  for (let n = 0; n < times; n++) if ((await ask()).status === 200) through++;
  return through;
}
