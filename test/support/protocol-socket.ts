import { type ClientOptions, WebSocket } from 'ws';
import { until } from './until.ts';

/** A message of the server by the protocol `graphql-transport-ws`. */
export interface Said {
  readonly type: string;
  readonly id?: string;
  readonly payload?: unknown;
}

/** A WebSocket that speaks `graphql-transport-ws` message by message, also as no client should. */
export class ProtocolSocket {
  readonly socket: WebSocket;
  /** All that the server has said. */
  readonly said: Said[] = [];
  /** The code it was closed with. */
  readonly closed: Promise<number>;

  private constructor(url: string, options?: ClientOptions) {
    this.socket = new WebSocket(url, 'graphql-transport-ws', options);
    this.socket.on('message', (data) => this.said.push(JSON.parse(String(data)) as Said));
    this.closed = new Promise((resolve) => this.socket.once('close', resolve));
  }

  /** Opens one, until the server has acknowledged it. */
  static async open(url: string, options?: ClientOptions, payload?: unknown): Promise<ProtocolSocket> {
    const opened = await ProtocolSocket.dial(url, options, payload);
    await until(() => opened.said.length === 1);
    return opened;
  }

  /** Opens one, and does not wait for what the server says. */
  static async dial(url: string, options?: ClientOptions, payload?: unknown): Promise<ProtocolSocket> {
    const opened = await ProtocolSocket.connect(url, options);
    opened.send({ type: 'connection_init', ...(payload !== undefined && { payload }) });
    return opened;
  }

  /** Opens one, and says nothing. */
  static async connect(url: string, options?: ClientOptions): Promise<ProtocolSocket> {
    const opened = new ProtocolSocket(url, options);
    await new Promise((resolve, reject) => opened.socket.once('open', resolve).once('error', reject));
    return opened;
  }

  send(message: Readonly<Record<string, unknown>>): void {
    this.socket.send(JSON.stringify(message));
  }

  subscribe(id: string, query: string): void {
    this.send({ type: 'subscribe', id, payload: { query } });
  }

  complete(id: string): void {
    this.send({ type: 'complete', id });
  }

  /** What it said of this type. */
  of(type: string): Said[] {
    return this.said.filter((one) => one.type === type);
  }

  /** What it said of the operations of this id. */
  about(id: string): Said[] {
    return this.said.filter((one) => one.id === id);
  }
}
