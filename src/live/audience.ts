/**
 * Who watches one entity, and which of the entities of each it is. Most entities have one watcher, and for one a Map would take
 * more than the watcher itself.
 */
export class Audience<W> {
  #lone: W | null = null;
  #place = 0;
  #many: Map<W, number> | null = null;

  get size(): number {
    return this.#many?.size ?? (this.#lone ? 1 : 0);
  }

  /** Adds one that is not among them. */
  add(watcher: W, place: number): void {
    if (this.#many) {
      this.#many.set(watcher, place);
    } else if (this.#lone) {
      this.#many = new Map([
        [this.#lone, this.#place],
        [watcher, place],
      ]);
      this.#lone = null;
    } else {
      this.#lone = watcher;
      this.#place = place;
    }
  }

  /** Whether it was among them. */
  delete(watcher: W): boolean {
    if (this.#many) return this.#many.delete(watcher);
    if (this.#lone !== watcher) return false;
    this.#lone = null;
    return true;
  }

  /** Those who leave meanwhile are passed over. */
  [Symbol.iterator](): Iterator<readonly [W, number]> {
    const all: Iterable<readonly [W, number]> = this.#many ?? (this.#lone ? [[this.#lone, this.#place]] : []);
    return all[Symbol.iterator]();
  }
}
