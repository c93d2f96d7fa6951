import { Relay, type Tap } from './relay.ts';

/** Stands between a client and a real Valkey, and passes everything on but notifications of chosen channels. */
export class SwallowingProxy implements AsyncDisposable {
  /** How many it has kept to itself. */
  swallowed = 0;
  readonly #silenced = new Set<string>();
  #relay!: Relay;

  private constructor() {}

  static async before(valkeyUrl: string): Promise<SwallowingProxy> {
    const proxy = new SwallowingProxy();
    proxy.#relay = await Relay.before(valkeyUrl, () => proxy.#swallow());
    return proxy;
  }

  get url(): string {
    return this.#relay.url;
  }

  /** From now on, nothing that is published there reaches a client; nobody is told so. */
  silence(channel: string): void {
    this.#silenced.add(channel);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#relay[Symbol.asyncDispose]();
  }

  #swallow(): Tap {
    let waiting = Buffer.alloc(0);
    return {
      toClient: (chunk) => {
        waiting = Buffer.concat([waiting, chunk]);
        const passed: Buffer[] = [];
        for (let end = endOf(waiting, 0); end !== null; end = endOf(waiting, 0)) {
          const reply = waiting.subarray(0, end);
          waiting = waiting.subarray(end);
          if (this.#isSilenced(reply)) this.swallowed++;
          else passed.push(reply);
        }
        return Buffer.concat(passed);
      },
    };
  }

  #isSilenced(reply: Buffer): boolean {
    const [, , kind, , channel] = reply.toString().split('\r\n');
    return kind === 'message' && this.#silenced.has(channel ?? '');
  }
}

/** Where the RESP2 reply at `start` ends; null while more of it is to come. */
function endOf(bytes: Buffer, start: number): number | null {
  const lineEnd = bytes.indexOf('\r\n', start);
  if (lineEnd < 0) return null;
  const [sign, count] = [String.fromCharCode(bytes[start] ?? 0), Number(bytes.toString('latin1', start + 1, lineEnd))];
  const next = lineEnd + 2;
  if (sign === '$') {
    const end = count < 0 ? next : next + count + 2;
    return end <= bytes.length ? end : null;
  }
  if (sign !== '*') return next;
  let end: number | null = next;
  for (let i = 0; i < count && end !== null; i++) end = endOf(bytes, end);
  return end;
}
