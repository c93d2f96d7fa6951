import type { GeneratorValue } from 'fast-check';
import fc from 'fast-check';

/** Of themselves, generators like the least and the largest best, and then what is to be rare would not be. */
const evenly = (most: number) => fc.noBias(fc.nat(most));

/** Draws at random, one thing after the other, from a generator of fast-check's that knows how to draw the same again. */
export class Draw {
  readonly #next: GeneratorValue;

  constructor(next: GeneratorValue) {
    this.#next = next;
  }

  /** From 0, both included. */
  upTo(most: number): number {
    return this.#next(evenly, most);
  }

  chance(percent: number): boolean {
    return this.upTo(99) >= 100 - percent;
  }

  one<T>(choices: readonly T[]): T {
    return choices[this.upTo(choices.length - 1)] as T;
  }

  /** At most so many, at least one. */
  some<T>(most: number, make: (place: number) => T): T[] {
    return Array.from({ length: 1 + this.upTo(most - 1) }, (_, place) => make(place));
  }
}
