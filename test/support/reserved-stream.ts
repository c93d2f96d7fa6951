import { once } from 'node:events';
import { type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { EventStream } from './event-stream.ts';

/** An operation for a stream, and what its request was answered. */
export interface Asked {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

/** Asks on a connection of its own, of which nothing is left. */
async function send(url: string, method: string, headers: OutgoingHttpHeaders = {}, body?: string): Promise<Asked> {
  const asked = request(url, { method, headers, agent: false }).end(body);
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  return { status: response.statusCode ?? 0, headers: response.headers, text: await text(response) };
}

/** An event stream in single connection mode: reserved, and used and opened by its token. */
export class ReservedStream {
  readonly token: string;
  readonly #url: string;
  readonly #own: { readonly [name: string]: string };

  private constructor(url: string, token: string, own: ReservedStream['headers']) {
    this.#url = url;
    this.token = token;
    this.#own = own;
  }

  /** @param own headers of each request of its client. */
  static async reserve(url: string, own: ReservedStream['headers'] = {}): Promise<ReservedStream> {
    const { status, text: token } = await send(url, 'PUT', own);
    if (status !== 201) throw new Error(`reserving was answered by ${status}`);
    return new ReservedStream(url, token, own);
  }

  /** The same one, used at another address. */
  at(url: string): ReservedStream {
    return new ReservedStream(url, this.token, this.#own);
  }

  get headers(): { readonly [name: string]: string } {
    return { ...this.#own, 'x-graphql-event-stream-token': this.token };
  }

  open(): Promise<EventStream> {
    return EventStream.open(this.#url, { headers: this.headers });
  }

  /** Asks for an operation whose results go to the stream. */
  ask(operationId: unknown, query: string, variables?: unknown): Promise<Asked> {
    const headers = { ...this.headers, 'content-type': 'application/json' };
    return send(this.#url, 'POST', headers, JSON.stringify({ query, variables, extensions: { operationId } }));
  }

  /** Ends an operation; returns the status. */
  async end(operationId: string): Promise<number> {
    const search = `?operationId=${encodeURIComponent(operationId)}`;
    return (await send(this.#url + search, 'DELETE', this.headers)).status;
  }
}
