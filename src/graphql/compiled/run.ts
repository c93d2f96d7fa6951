import type { Caller, Grants } from '../../access/index.ts';
import type { View } from '../../define/index.ts';
import { type Engine, invalidIdReason, type Vector, type VectorReading } from '../../engine/index.ts';
import { unwritable } from './unwritable.ts';
import { ReadVectors } from './vector-source.ts';

/** A vector that was asked for, or why it cannot be had. */
export interface ReadAhead {
  readonly view: View;
  readonly id: string;
  readonly result: Vector | Error;
}

/** One run of a compiled operation, or of one of its mutations: what it wants to read, and what came of that. */
export class Run {
  /** Arguments of each field that is given some, in the order in which the fields were compiled. */
  readonly args: readonly object[];
  /** Of a caller who may not read all; null: nothing has to be looked at. */
  readonly #grants: Grants | null;
  readonly #wanted = new Map<View, string[]>();
  readonly #read = new Map<View, ReadVectors>();
  /** Of each view that is wanted, in their order. */
  #readings: readonly (VectorReading | Error)[] = [];

  constructor(args: readonly object[], { grants }: Caller) {
    this.args = args;
    this.#grants = grants.allowsAll('features:read') ? null : grants;
  }

  /** What is not the caller's is for the reference to say. @throws UnwritableError */
  assertMayShow(view: View, id: string): void {
    if (this.#grants?.allows('features:read', view, id) === false) unwritable('a vector that is not the caller’s');
  }

  /** Vectors are taken in the very order in which they were wanted. */
  want(view: View, id: string): void {
    if (invalidIdReason(id) !== null) unwritable('an id that is refused');
    const ids = this.#wanted.get(view);
    if (ids) ids.push(id);
    else this.#wanted.set(view, [id]);
  }

  take(view: View): ReadVectors {
    return (this.#read.get(view) ?? unwritable('a vector that nobody wanted')).next();
  }

  get wantsNothing(): boolean {
    return this.#wanted.size === 0;
  }

  /** Reads all that is wanted. @returns whether all of it could be read. */
  async read(engine: Engine, count: (vectors: number) => void): Promise<boolean> {
    const readings: Promise<VectorReading | Error>[] = [];
    for (const [view, ids] of this.#wanted) {
      count(ids.length);
      readings.push(engine.readPacked(view, ids).catch((error: Error) => error));
    }
    this.#readings =
      readings.length === 1 ? [await (readings[0] as Promise<VectorReading | Error>)] : await Promise.all(readings);
    let isWhole = true;
    for (const reading of this.#readings) {
      if (reading instanceof Error || hasErrors(reading)) isWhole = false;
      else this.#read.set(reading.batch.view, new ReadVectors(reading));
    }
    return isWhole;
  }

  /** All that was read, with errors in the places of what cannot be had. */
  ahead(): readonly ReadAhead[] {
    const wanted = [...this.#wanted];
    return this.#readings.flatMap((reading, i) => {
      if (!(reading instanceof Error)) return readAhead(reading);
      const [view, ids] = wanted[i] as (typeof wanted)[number];
      return ids.map((id) => ({ view, id, result: reading }));
    });
  }
}

function hasErrors({ batch, places }: VectorReading): boolean {
  return batch.hasErrors && places.some((place) => batch.errorAt(place) !== null);
}

function readAhead({ batch, places }: VectorReading): ReadAhead[] {
  return places.map((place) => ({ view: batch.view, id: batch.ids[place] as string, result: batch.at(place) }));
}
