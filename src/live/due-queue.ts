/** A thing that is due at a moment. */
interface Entry<T> {
  readonly thing: T;
  dueAt: number;
  /** Where it stands in the heap. */
  place: number;
}

/** Things by when they are due, the first at hand: a binary heap that knows where each thing stands. */
export class DueQueue<T> {
  readonly #heap: Entry<T>[] = [];
  readonly #entries = new Map<T, Entry<T>>();

  get size(): number {
    return this.#heap.length;
  }

  /** When the first is due; null if nothing ever is. */
  get firstDueAt(): number | null {
    return this.#heap[0]?.dueAt ?? null;
  }

  /** Puts it in, or moves it to another moment. */
  set(thing: T, dueAt: number): void {
    const entry = this.#entries.get(thing) ?? this.#add(thing);
    entry.dueAt = dueAt;
    this.#rise(entry);
    this.#sink(entry);
  }

  delete(thing: T): void {
    const entry = this.#entries.get(thing);
    if (entry) this.#remove(entry);
  }

  clear(): void {
    this.#heap.length = 0;
    this.#entries.clear();
  }

  /** Takes out all that are due by then. */
  takeDue(by: number): T[] {
    const due: T[] = [];
    for (let first = this.#heap[0]; first && first.dueAt <= by; first = this.#heap[0]) {
      this.#remove(first);
      due.push(first.thing);
    }
    return due;
  }

  #add(thing: T): Entry<T> {
    const entry = { thing, dueAt: Number.POSITIVE_INFINITY, place: this.#heap.length };
    this.#heap.push(entry);
    this.#entries.set(thing, entry);
    return entry;
  }

  #remove(entry: Entry<T>): void {
    this.#entries.delete(entry.thing);
    const last = this.#heap.pop() as Entry<T>;
    if (last === entry) return;
    this.#put(last, entry.place);
    this.#rise(last);
    this.#sink(last);
  }

  #rise(entry: Entry<T>): void {
    while (entry.place > 0) {
      const above = this.#heap[(entry.place - 1) >> 1] as Entry<T>;
      if (above.dueAt <= entry.dueAt) return;
      this.#swap(entry, above);
    }
  }

  #sink(entry: Entry<T>): void {
    while (true) {
      const left = this.#heap[2 * entry.place + 1];
      const right = this.#heap[2 * entry.place + 2];
      const below = left && right && right.dueAt < left.dueAt ? right : left;
      if (!below || below.dueAt >= entry.dueAt) return;
      this.#swap(below, entry);
    }
  }

  #swap(a: Entry<T>, b: Entry<T>): void {
    const place = a.place;
    this.#put(a, b.place);
    this.#put(b, place);
  }

  #put(entry: Entry<T>, place: number): void {
    this.#heap[place] = entry;
    entry.place = place;
  }
}
