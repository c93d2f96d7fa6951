import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type OnReply, ReplyReader } from './reply-reader.ts';

/** A keep-alive connection that has at most one request under way. */
export class Connection {
  readonly #socket: Socket;
  /** Told of the reply to what was sent. */
  onReply: OnReply = () => {};
  /** Told when it breaks, which it never should. */
  onBroken: (error: Error) => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    const reader = new ReplyReader((status, body) => this.onReply(status, body));
    socket.on('data', (bytes: Buffer) => {
      try {
        reader.take(bytes);
      } catch (error) {
        socket.destroy(error as Error);
      }
    });
    socket.on('error', (error) => this.onBroken(error));
    socket.on('end', () => this.onBroken(new Error('the server closed a connection')));
  }

  static async open(port: number): Promise<Connection> {
    const socket = connect(port, '127.0.0.1');
    socket.setNoDelay(true);
    await once(socket, 'connect');
    return new Connection(socket);
  }

  send(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  close(): void {
    this.onBroken = () => {};
    this.#socket.destroy();
  }
}
