import type { View } from '../define/index.ts';
import { vectorPlaces } from './served.ts';
import type { Vector } from './vector.ts';

/** Of each vector of a batch, so many doubles stand before its values: revision, asOf, validUntil, lastEventAt, eventSeq, completeSince, expiresAt. */
export const vectorHeadDoubles = 7;

/** How many doubles a vector of the view takes in a batch. */
export function vectorStride(view: View): number {
  return vectorHeadDoubles + vectorPlaces(view).count;
}

/**
 * Vectors of one view as they came from the store, one behind the other in one array: whoever only shows some numbers of each needs
 * no object for any.
 */
export class VectorBatch {
  readonly view: View;
  readonly ids: readonly string[];
  /** In the order of the ids, each as long as `vectorStride` says; without meaning where a vector cannot be had. */
  readonly doubles: Float64Array;
  /** The same memory. */
  readonly bytes: Uint8Array;
  readonly vectorBytes: number;
  readonly #stride: number;
  #errors: Map<number, Error> | null = null;

  constructor(view: View, ids: readonly string[]) {
    this.view = view;
    this.ids = ids;
    this.#stride = vectorStride(view);
    this.doubles = new Float64Array(ids.length * this.#stride);
    this.bytes = new Uint8Array(this.doubles.buffer);
    this.vectorBytes = 8 * this.#stride;
  }

  /** Where the values of the vector at a place of the batch begin among the doubles. */
  valuesAt(place: number): number {
    return place * this.#stride + vectorHeadDoubles;
  }

  get hasErrors(): boolean {
    return this.#errors !== null;
  }

  /** Why the vector at a place cannot be had; null if it can. */
  errorAt(place: number): Error | null {
    return this.#errors?.get(place) ?? null;
  }

  fail(place: number, error: Error): void {
    this.#errors ??= new Map();
    this.#errors.set(place, error);
  }

  /** The vector at a place, as an object of its own; or why it cannot be had. */
  at(place: number): Vector | Error {
    const error = this.errorAt(place);
    return error ?? readVector(this.view, this.ids[place] as string, this.doubles, place * this.#stride);
  }
}

/** The vector that begins at this place of an array of doubles; it keeps nothing of the array. */
export function readVector(view: View, id: string, doubles: Float64Array, at: number): Vector {
  const validUntil = doubles[at + 2] as number;
  const lastEventAt = doubles[at + 3] as number;
  return {
    view,
    id,
    values: doubles.slice(at + vectorHeadDoubles, at + vectorStride(view)),
    revision: doubles[at] as number,
    asOf: doubles[at + 1] as number,
    validUntil: Number.isFinite(validUntil) ? validUntil : null,
    lastEventAt: Number.isFinite(lastEventAt) ? lastEventAt : null,
    eventSeq: doubles[at + 4] as number,
    completeSince: doubles[at + 5] as number,
  };
}
