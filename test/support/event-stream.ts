import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { until } from './until.ts';

export interface StreamRequest {
  readonly method?: 'GET' | 'POST';
  readonly headers?: { readonly [name: string]: string };
  readonly body?: unknown;
}

/** What a server said by one event of an event stream. */
export interface StreamEvent {
  readonly event: string;
  /** Null if it was empty. */
  readonly data: { readonly id?: string; readonly payload?: unknown; readonly data?: unknown } | null;
}

/** An event stream on a connection of its own, event by event; its client reads when it is told to. */
export class EventStream {
  readonly response: IncomingMessage;
  readonly events: StreamEvent[] = [];
  /** How many bytes were read. */
  bytes = 0;
  /** Comments, which are what keeps it alive. */
  comments = 0;
  readonly #request: ClientRequest;
  /** Of an event that has not come whole. */
  #rest: string[] = [];

  private constructor(request: ClientRequest, response: IncomingMessage) {
    this.#request = request;
    this.response = response;
    response.on('error', () => {}); // what ends it is for the test to say
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => this.#read(chunk));
  }

  /** Opens one: its head has been read, and whatever its status is. */
  static async open(url: string, { method = 'GET', headers, body }: StreamRequest = {}): Promise<EventStream> {
    const asked = request(url, {
      method,
      agent: false,
      headers: {
        accept: 'text/event-stream',
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
    });
    asked.end(body === undefined ? undefined : JSON.stringify(body));
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    asked.on('error', () => {});
    return new EventStream(asked, response);
  }

  /** Waits until the connection is over. */
  async closed(): Promise<void> {
    await until(() => this.response.closed);
  }

  /** The events of the operation of this id. */
  about(id: string): StreamEvent[] {
    return this.events.filter(({ data }) => data?.id === id);
  }

  /** Leaves, as a client does that has gone. */
  leave(): void {
    this.#request.destroy();
  }

  /** Reads no further until `readOn`. */
  readNothing(): void {
    this.response.pause();
  }

  readOn(): void {
    this.response.resume();
  }

  #read(chunk: string): void {
    this.bytes += chunk.length;
    this.#rest.push(chunk);
    if (!chunk.includes('\n')) return;
    const blocks = this.#rest.join('').split('\n\n');
    this.#rest = blocks.splice(-1);
    for (const block of blocks) {
      const field = (name: string) => new RegExp(`^${name}: ?(.*)$`, 'm').exec(block)?.[1];
      const event = field('event');
      if (event === undefined) this.comments++;
      else this.events.push({ event, data: JSON.parse(field('data') || 'null') });
    }
  }
}
