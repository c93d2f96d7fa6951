import { EventStream } from './event-stream.ts';

/** An operation for a stream, and what its request was answered. */
export interface Asked {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** An event stream in single connection mode: reserved, and used and opened by its token. */
export class ReservedStream {
  readonly token: string;
  readonly #url: string;

  private constructor(url: string, token: string) {
    this.#url = url;
    this.token = token;
  }

  static async reserve(url: string): Promise<ReservedStream> {
    const response = await fetch(url, { method: 'PUT' });
    if (response.status !== 201) throw new Error(`reserving was answered by ${response.status}`);
    return new ReservedStream(url, await response.text());
  }

  get headers(): { readonly [name: string]: string } {
    return { 'x-graphql-event-stream-token': this.token };
  }

  open(): Promise<EventStream> {
    return EventStream.open(this.#url, { headers: this.headers });
  }

  /** Asks for an operation whose results go to the stream. */
  async ask(operationId: unknown, query: string, variables?: unknown): Promise<Asked> {
    const response = await fetch(this.#url, {
      method: 'POST',
      headers: { ...this.headers, 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables, extensions: { operationId } }),
    });
    return { status: response.status, headers: response.headers, text: await response.text() };
  }

  /** Ends an operation; returns the status. */
  async end(operationId: string): Promise<number> {
    const search = `?operationId=${encodeURIComponent(operationId)}`;
    return (await fetch(this.#url + search, { method: 'DELETE', headers: this.headers })).status;
  }
}
