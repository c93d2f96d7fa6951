import type { Vector, VectorReading } from '../../engine/index.ts';

/** A vector of which mostly only some numbers are wanted. */
export interface VectorSource {
  /** An array with its values in it. */
  readonly values: Float64Array;
  /** Where they begin there. */
  readonly at: number;
  /** All of it, as an object. */
  readonly vector: Vector;
}

/** A vector that came with what was recorded. */
export class ReadyVector implements VectorSource {
  readonly vector: Vector;
  readonly at = 0;

  constructor(vector: Vector) {
    this.vector = vector;
  }

  get values(): Float64Array {
    return this.vector.values;
  }
}

/** The vectors of a reading, one after the other: one object, which stands for the next of them each time. */
export class ReadVectors implements VectorSource {
  readonly #reading: VectorReading;
  readonly values: Float64Array;
  #next = 0;
  #place = 0;
  at = 0;

  constructor(reading: VectorReading) {
    this.#reading = reading;
    this.values = reading.batch.doubles;
  }

  /** The next one, in the order asked. */
  next(): this {
    this.#place = this.#reading.places[this.#next++] as number;
    this.at = this.#reading.batch.valuesAt(this.#place);
    return this;
  }

  get vector(): Vector {
    return this.#reading.batch.at(this.#place) as Vector;
  }
}
