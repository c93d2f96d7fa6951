import type { Refusals } from './refusals.ts';
import { Tally } from './tally.ts';

/** About 4 KB each. */
const defaultMost = 20_000;

/** The subscriptions of each client, on all its sockets and streams of this process. */
export class Subscriptions {
  readonly #ofClients: Tally;
  readonly #refusals: Refusals;

  constructor(most: number = defaultMost, refusals: Refusals) {
    this.#ofClients = new Tally(most);
    this.#refusals = refusals;
  }

  /** Whether a client may have one more; it then has it, until it gives it back. */
  take(client: string): boolean {
    if (this.#ofClients.take(client)) return true;
    this.#refusals.subscriptions += 1;
    return false;
  }

  giveBack(client: string): void {
    this.#ofClients.giveBack(client);
  }

  /** To a client that has too many. */
  get tooMany(): string {
    return `More than ${this.#ofClients.most} subscriptions of one client: end some, or watch several ids by one`;
  }
}
