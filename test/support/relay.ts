import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** What becomes of one connection's traffic: what passes on of each chunk, in either direction; an empty one is nothing. */
export interface Tap {
  readonly toServer?: (chunk: Buffer) => Buffer;
  readonly toClient?: (chunk: Buffer) => Buffer;
}

/** Stands between clients and a real Valkey, and passes on what each connection's tap lets pass. */
export class Relay implements AsyncDisposable {
  readonly #server = createServer((client) => this.#pass(client));
  #target: { host: string; port: number };
  readonly #tap: () => Tap;
  readonly #sockets = new Set<Socket>();

  private constructor(valkeyUrl: string, tap: () => Tap) {
    this.#target = targetOf(valkeyUrl);
    this.#tap = tap;
  }

  /** @param tap asked for at each connection. */
  static async before(valkeyUrl: string, tap: () => Tap): Promise<Relay> {
    const relay = new Relay(valkeyUrl, tap);
    await once(relay.#server.listen(0, '127.0.0.1'), 'listening');
    return relay;
  }

  /** Where it leads from now on; connections that are open stay, as where a name moves. */
  lead(valkeyUrl: string): void {
    this.#target = targetOf(valkeyUrl);
  }

  get url(): string {
    return `valkey://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #pass(client: Socket): void {
    const server = connect(this.#target);
    const { toServer, toClient } = this.#tap();
    const pass = (from: Socket, to: Socket, through: (chunk: Buffer) => Buffer = (chunk) => chunk) => {
      this.#sockets.add(from);
      from.on('data', (chunk: Buffer) => {
        const passed = through(chunk);
        if (passed.length > 0) to.write(passed);
      });
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    };
    pass(client, server, toServer);
    pass(server, client, toClient);
  }
}

function targetOf(valkeyUrl: string): { host: string; port: number } {
  const { hostname, port } = new URL(valkeyUrl);
  return { host: hostname, port: Number(port || 6379) };
}
