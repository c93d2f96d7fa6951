import { LRUCache } from 'lru-cache';
import { writeRecord } from '../library.ts';
import type { Plan } from '../plan.ts';
import { CompanionNames } from './companions.ts';
import { compileLua } from './compile-lua.ts';
import { EntityCopy } from './entity-copy.ts';
import { Foresight } from './foresight.ts';
import { InPlace, type InPlaceFunctions, type OpenCall } from './in-place.ts';
import { luaLibrary } from './lua-library.ts';

type RecordFunction = (keys: readonly unknown[], args: readonly unknown[]) => string;

/** Compiled texts: engines of one process mostly serve the same views. */
const compiled = new LRUCache<string, (lua: unknown) => void>({ max: 4 });

/** The engine's own text of `record`, run in this process on copies of what the store holds. */
export class Rehearsal {
  readonly #record: RecordFunction;
  readonly #openCall: (head: string) => OpenCall;
  readonly #foresights: ReadonlyMap<Plan, Foresight>;
  readonly #inPlace = new Map<Plan, InPlace>();
  readonly #head: string;
  #copy: EntityCopy | null = null;

  /** @param head the first argument of every call. @param prefix of all keys. @param singles how many compaction leaves. */
  constructor(plans: readonly Plan[], head: Buffer, prefix: string, singles: number) {
    const namesOf = (plan: Plan) => new CompanionNames(plan, prefix);
    this.#foresights = new Map(plans.map((plan) => [plan, new Foresight(plan, namesOf(plan), singles)]));
    this.#head = head.toString('latin1');
    const { code, name } = writeRecord(plans);
    let run = compiled.get(code);
    if (!run) {
      run = new Function('lua', compileLua(code)) as (lua: unknown) => void;
      compiled.set(code, run);
    }
    const registered = new Map<string, unknown>();
    run(
      luaLibrary(
        (args) => (this.#copy as EntityCopy).call(args),
        (key, from, bytes) => (this.#copy as EntityCopy).look(key, from, bytes),
        (what, callback) => registered.set(what, callback),
      ),
    );
    this.#record = registered.get(name) as RecordFunction;
    this.#openCall = registered.get('open_call') as (head: string) => OpenCall;
    const compactInPlace = registered.get('compact_in_place') as (...args: unknown[]) => unknown;
    for (const plan of plans) {
      const take = registered.get(`take_in_place_${plan.index}`);
      const tell = registered.get(`tell_in_place_${plan.index}`);
      if (!take || !tell) continue;
      const compact = (copy: EntityCopy, ...args: unknown[]) => this.#within(copy, () => compactInPlace(...args));
      this.#inPlace.set(plan, new InPlace(plan, { take, tell, compact } as InPlaceFunctions, namesOf(plan), singles));
    }
  }

  /** What records events of a view in this process's memory; undefined for one that it is not for. */
  inPlace(plan: Plan): InPlace | undefined {
    return this.#inPlace.get(plan);
  }

  foresight(plan: Plan): Foresight {
    return this.#foresights.get(plan) as Foresight;
  }

  /** A call at a moment of the store's, in microseconds since 1970. */
  openCall(micros: number): OpenCall {
    const copy = new EntityCopy('');
    copy.begin(micros);
    return this.#within(copy, () => this.#openCall(this.#head));
  }

  /**
   * What the store would answer to `record` after what was rehearsed on this copy since its `begin`; and, in the copy, what it would
   * write. Null: something is lacking, of which the copy tells as much as was found.
   * @throws whatever the engine throws: it is for the store to say what is wrong.
   */
  record(copy: EntityCopy, plan: Plan, rows: Buffer): string | null {
    try {
      const argument = String.fromCharCode(plan.index) + rows.toString('latin1');
      const reply = this.#within(copy, () => this.#record([undefined, copy.log], [undefined, this.#head, argument]));
      return copy.lacking.length > 0 ? null : reply;
    } catch (error) {
      if (copy.lacking.length > 0) return null;
      throw error;
    }
  }

  /** What the engine's text asks of the store, it finds in this copy. */
  #within<T>(copy: EntityCopy, work: () => T): T {
    this.#copy = copy;
    try {
      return work();
    } finally {
      this.#copy = null;
    }
  }
}
