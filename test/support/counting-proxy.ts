import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** One connection's traffic, told apart by direction: a burst is what is sent before the other side speaks again. */
interface Exchange {
  toServer: number;
  toClient: number;
}

/** Stands between a client and a real Valkey, passes everything on, and counts bursts each way on every connection. */
export class CountingProxy implements AsyncDisposable {
  readonly #server = createServer((client) => this.#pass(client));
  readonly #target: { host: string; port: number };
  readonly #sockets = new Set<Socket>();
  #exchanges: Exchange[] = [];

  private constructor(target: { host: string; port: number }) {
    this.#target = target;
  }

  static async before(valkeyUrl: string): Promise<CountingProxy> {
    const { hostname, port } = new URL(valkeyUrl);
    const proxy = new CountingProxy({ host: hostname, port: Number(port || 6379) });
    await once(proxy.#server.listen(0, '127.0.0.1'), 'listening');
    return proxy;
  }

  get url(): string {
    return `valkey://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Counts what passes during `work`, on all connections together. */
  async during(work: () => Promise<unknown>): Promise<Exchange> {
    for (const exchange of this.#exchanges) Object.assign(exchange, { toServer: 0, toClient: 0 });
    await work();
    return this.#exchanges.reduce(
      (sum, { toServer, toClient }) => ({ toServer: sum.toServer + toServer, toClient: sum.toClient + toClient }),
      { toServer: 0, toClient: 0 },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #pass(client: Socket): void {
    const server = connect(this.#target);
    const exchange: Exchange = { toServer: 0, toClient: 0 };
    this.#exchanges.push(exchange);
    let speaking: keyof Exchange | null = null;
    const relay = (from: Socket, to: Socket, direction: keyof Exchange) => {
      this.#sockets.add(from);
      from.on('data', (chunk) => {
        if (speaking !== direction || exchange[direction] === 0) exchange[direction] += 1;
        speaking = direction;
        to.write(chunk);
      });
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    };
    relay(client, server, 'toServer');
    relay(server, client, 'toClient');
  }
}
