/** How many of something each client has, up to a limit. Whoever has none takes no room. */
export class Tally {
  readonly most: number;
  readonly #held = new Map<string, number>();

  constructor(most: number) {
    this.most = most;
  }

  /** Whether the client may have one more, which it then has. */
  take(client: string): boolean {
    const held = this.#held.get(client) ?? 0;
    if (held >= this.most) return false;
    this.#held.set(client, held + 1);
    return true;
  }

  /** It has one less. */
  giveBack(client: string): void {
    const held = this.#held.get(client) ?? 0;
    if (held > 1) this.#held.set(client, held - 1);
    else this.#held.delete(client);
  }
}
