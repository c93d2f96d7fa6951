import { isIP } from 'node:net';

export interface ServedHostsOptions {
  /** Whether it is all one by which name the API is asked. */
  readonly any: boolean;
  /** Names by which it may be asked besides those of this machine. */
  readonly names?: readonly string[] | null | undefined;
  /** Origins of pages that may ask, whose hosts may be ours as well. */
  readonly origins?: readonly string[] | undefined;
}

/**
 * By which names the API may be asked: those that are listed, if any are. Where it asks nobody who they are, and only its own machine
 * can reach it, a page of anyone's could all the same: by a name of its own that it has lead here after it was loaded (DNS rebinding),
 * which makes it one of our own pages to its browser. So whoever asks must have meant this machine: by an address, or a name that nobody outside can have.
 */
export class ServedHosts {
  readonly #any: boolean;
  readonly #names: ReadonlySet<string>;
  /** With their ports. */
  readonly #listed: ReadonlySet<string>;

  constructor({ any, names, origins = [] }: ServedHostsOptions) {
    this.#any = any;
    this.#names = new Set(names);
    this.#listed = new Set(origins.flatMap((origin) => URL.parse(origin)?.host ?? []));
  }

  /** @param host as the header says; browsers always send one. */
  serves(host: string | undefined): boolean {
    if (this.#any || host === undefined || this.#listed.has(host)) return true;
    const name = host.replace(/\.?(:\d*)?$/, '').toLowerCase();
    return !name.includes('.') || isAddress(name) || name.endsWith('.localhost') || this.#names.has(name);
  }
}

function isAddress(name: string): boolean {
  return isIP(name.replace(/^\[|\]$/g, '')) !== 0;
}
