import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, type Socket } from 'node:net';
import { socketOf } from '../plain/socket-stand-in.ts';

/** Of a connection whose client was gone before anyone asked who it was. */
const unknown = 'unknown';
const mapped = /^::ffff:(?:(\d+\.\d+\.\d+\.\d+)|([\da-f]{1,4}):([\da-f]{1,4}))$/i;

/**
 * Who is at the other end of a connection, as far as addresses tell. Behind a proxy all connections are the proxy's: those that are
 * trusted are believed whom they forward for, and nobody else is. Of IPv6, where a household has 2^64 addresses, the /64 counts.
 */
export class ClientAddresses {
  readonly #proxies: BlockList | null;
  readonly #workers = new WeakSet<Socket>();
  /** Of whoever is at the other end, which does not change. */
  readonly #names = new WeakMap<Socket, string>();

  /** @param proxies addresses and ranges in CIDR notation, such as `10.0.0.0/8`. */
  constructor(proxies: readonly string[] = []) {
    this.#proxies = proxies.length > 0 ? blockList(proxies) : null;
  }

  /** The socket is of another worker, which says for whom it asks. */
  addWorker(socket: Socket): void {
    this.#workers.add(socket);
  }

  /** Whether it is of another worker, which has counted what it hands over. */
  isWorker(socket: Socket): boolean {
    return this.#workers.has(socket);
  }

  /** Whether what comes on this connection is of others. */
  isProxy(socket: Socket): boolean {
    if (this.#workers.has(socket)) return true;
    return this.#proxies !== null && this.#isTrusted(socket.remoteAddress);
  }

  /**
   * The name by which a client is counted.
   * @param forwardedFor the header `x-forwarded-for`, to which each proxy adds whom it was asked by.
   */
  of(socket: Socket, forwardedFor: string | undefined): string {
    if (forwardedFor === undefined || !this.isProxy(socket)) return this.#nameOfPeer(socket);
    let address = plainAddress(socket.remoteAddress) ?? unknown;
    const forwarded = forwardedFor.split(',');
    while (forwarded.length > 0 && (address === unknown || this.#isTrusted(address))) {
      const before = plainAddress(forwarded.pop());
      if (before === null) break;
      address = before;
    }
    return counted(address);
  }

  /** The name of whoever sent a request. */
  ofRequest(request: IncomingMessage): string {
    // Node has joined what came several times.
    return this.of(socketOf(request), request.headers['x-forwarded-for'] as string | undefined);
  }

  #nameOfPeer(socket: Socket): string {
    const known = this.#names.get(socket);
    if (known !== undefined) return known;
    const name = counted(plainAddress(socket.remoteAddress) ?? unknown);
    this.#names.set(socket, name);
    return name;
  }

  #isTrusted(address: string | undefined): boolean {
    const plain = plainAddress(address);
    return plain !== null && this.#proxies?.check(plain, isIP(plain) === 6 ? 'ipv6' : 'ipv4') === true;
  }
}

function blockList(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', bits] = range.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return list;
}

/** Without port, zone and brackets, and as IPv4 where it is that; null if it is no address. */
function plainAddress(text: string | undefined): string | null {
  const bare =
    text
      ?.trim()
      .replace(/^\[([^\]]*)\](:\d+)?$|^(\d+\.\d+\.\d+\.\d+):\d+$/, '$1$3')
      .replace(/%.*$/, '') ?? '';
  if (isIP(bare) === 0) return null;
  const [, dotted, high, low] = mapped.exec(bare) ?? [];
  if (dotted !== undefined) return dotted;
  if (high === undefined || low === undefined) return bare.toLowerCase();
  const bytes = [high, low].flatMap((part) => [Number.parseInt(part, 16) >> 8, Number.parseInt(part, 16) & 255]);
  return bytes.join('.');
}

function counted(address: string): string {
  return address.includes(':') ? networkOf(address) : address;
}

/** The first 64 bits of an IPv6 address. */
function networkOf(address: string): string {
  const [before = '', behind] = address.split('::').map((part) => part.split(':').filter((group) => group !== ''));
  const left = before as string[];
  const right = (behind ?? []) as string[];
  // An IPv4 address at the end stands for two groups.
  const given = left.length + right.length + (address.includes('.') ? 1 : 0);
  const zeros = behind === undefined ? [] : Array<string>(Math.max(0, 8 - given)).fill('0');
  const groups = [...left, ...zeros, ...right].slice(0, 4);
  return `${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`;
}
