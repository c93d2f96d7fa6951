import { randomUUID } from 'node:crypto';
import { Agent, request as open } from 'node:http';
import { expect } from 'vitest';
import { type ApiOptions, newKeyPrefix, startApi, type TestApi } from './api.ts';

/** A request to the path of GraphQL. */
export interface SentRequest {
  readonly body: string | Buffer;
  /** Beside, or instead of, those that say that the body is JSON. */
  readonly headers?: { readonly [name: string]: string };
  /** From `?` on. */
  readonly search?: string;
  /** Default: POST. */
  readonly method?: string;
}

/** What came back. */
export interface Heard {
  readonly status: number;
  readonly headers: { readonly [name: string]: unknown };
  readonly body: string;
}

/** Which way a request went (see WayCounts); null: it got as far as none. */
export type Way = 'short' | 'left' | 'reference' | null;

/** Those that say something of the moment or of the connection. */
const passing = ['date', 'connection', 'keep-alive', 'content-length'];

/** One API whose operations become hot at once, and one where none ever does. */
export class BothWays {
  readonly short: TestApi;
  readonly reference: TestApi;
  readonly taken: { [way in 'short' | 'left' | 'reference' | 'none']: number } = {
    short: 0,
    left: 0,
    reference: 0,
    none: 0,
  };
  readonly #agent = new Agent({ keepAlive: true });

  private constructor(short: TestApi, reference: TestApi) {
    this.short = short;
    this.reference = reference;
  }

  /** @param options of both; they share a key prefix unless `apart`. */
  static async start({ apart = false, ...options }: ApiOptions & { readonly apart?: boolean } = {}): Promise<BothWays> {
    const keyPrefix = options.keyPrefix ?? newKeyPrefix();
    const shared = apart ? options : { ...options, keyPrefix };
    // One after the other: the first to come registers the views.
    const short = await startApi({ ...shared, hotAfter: 1 });
    return new BothWays(short, await startApi({ ...shared, hotAfter: Number.POSITIVE_INFINITY }));
  }

  async stop(): Promise<void> {
    this.#agent.destroy();
    await Promise.all([this.short.stop(), this.reference.stop()]);
  }

  /** Sends it to the one whose operations become hot. */
  async warm(request: SentRequest): Promise<Heard> {
    return this.send(this.short, request);
  }

  /**
   * Sends it to both and expects the same answer.
   * @param masked what of a body may differ from one moment to the next is to be taken out of it.
   * @returns what they answered, and which way the one took.
   */
  async compare(
    request: SentRequest,
    masked: (body: string) => string = (body) => body,
  ): Promise<Heard & { readonly way: Way }> {
    const asked = { ...request, headers: { 'x-request-id': randomUUID(), ...request.headers } };
    const expected = await this.send(this.reference, asked);
    const before = { ...this.short.server.ways };
    const heard = await this.send(this.short, asked);
    const way = wayBetween(before, this.short.server.ways);
    this.taken[way ?? 'none'] += 1;
    if (way === 'short') expect(expected).toMatchObject({ status: 200, body: expect.stringMatching(/^\{"data":\{/) });
    const body = inOrder(expected.body, masked);
    const told = String(request.body).slice(0, 5_000);
    expect({ ...heard, body: inOrder(heard.body, masked) }, told).toEqual({ ...expected, body });
    return { ...heard, way };
  }

  send({ graphqlUrl }: TestApi, { body, headers = {}, search = '', method = 'POST' }: SentRequest): Promise<Heard> {
    return new Promise((resolve, reject) => {
      const all = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...headers };
      const sent = open(graphqlUrl + search, { method, agent: this.#agent, headers: all }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const { statusCode: status = 0, headers } = response;
          const lasting = Object.entries(headers).filter(([name]) => !passing.includes(name));
          resolve({ status, headers: Object.fromEntries(lasting), body: Buffer.concat(chunks).toString() });
        });
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }
}

/** A body that asks for this. */
export function asks(query: unknown, variables?: unknown, operationName?: unknown): SentRequest {
  return { body: JSON.stringify({ query, variables, operationName }) };
}

/** A body with its errors in an order of their own: of two that have to wait, either may come first. */
function inOrder(body: string, masked: (text: string) => string): string {
  if (!/^\{"errors":\[.*\},\{/.test(body)) return masked(body);
  const { errors, ...rest } = JSON.parse(body) as { readonly errors: readonly unknown[] };
  const told = errors.map((error) => masked(JSON.stringify(error))).sort();
  return [...told, masked(JSON.stringify(rest))].join('\n');
}

function wayBetween(before: TestApi['server']['ways'], after: TestApi['server']['ways']): Way {
  if (after.short > before.short) return 'short';
  if (after.left > before.left) return 'left';
  return after.reference > before.reference ? 'reference' : null;
}
