import { Relay, type Tap } from './relay.ts';

/** One connection's traffic, told apart by direction: a burst is what is sent before the other side speaks again. */
interface Exchange {
  toServer: number;
  toClient: number;
}

/** Stands between a client and a real Valkey, passes everything on, and counts bursts each way on every connection. */
export class CountingProxy implements AsyncDisposable {
  readonly #exchanges: Exchange[] = [];
  #relay!: Relay;

  private constructor() {}

  static async before(valkeyUrl: string): Promise<CountingProxy> {
    const proxy = new CountingProxy();
    proxy.#relay = await Relay.before(valkeyUrl, () => proxy.#count());
    return proxy;
  }

  get url(): string {
    return this.#relay.url;
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

  [Symbol.asyncDispose](): Promise<void> {
    return this.#relay[Symbol.asyncDispose]();
  }

  #count(): Tap {
    const exchange: Exchange = { toServer: 0, toClient: 0 };
    this.#exchanges.push(exchange);
    let speaking: keyof Exchange | null = null;
    const counted = (direction: keyof Exchange) => (chunk: Buffer) => {
      if (speaking !== direction || exchange[direction] === 0) exchange[direction] += 1;
      speaking = direction;
      return chunk;
    };
    return { toServer: counted('toServer'), toClient: counted('toClient') };
  }
}
