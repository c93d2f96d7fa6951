import { LRUCache } from 'lru-cache';
import { writeRecord } from '../library.ts';
import type { Plan } from '../plan.ts';
import { compileLua } from './compile-lua.ts';
import type { EntityCopy } from './entity-copy.ts';
import { luaLibrary } from './lua-library.ts';

type RecordFunction = (keys: readonly unknown[], args: readonly unknown[]) => string;

/** Compiled texts: engines of one process mostly serve the same views. */
const compiled = new LRUCache<string, (lua: unknown) => void>({ max: 4 });

/** The engine's own text of `record`, run in this process on copies of what the store holds. */
export class Rehearsal {
  readonly #record: RecordFunction;
  readonly #head: string;
  #copy: EntityCopy | null = null;

  /** @param head the first argument of every call. */
  constructor(plans: readonly Plan[], head: Buffer) {
    this.#head = head.toString('latin1');
    const { code, name } = writeRecord(plans);
    let run = compiled.get(code);
    if (!run) {
      run = new Function('lua', compileLua(code)) as (lua: unknown) => void;
      compiled.set(code, run);
    }
    let record: RecordFunction | null = null;
    run(
      luaLibrary(
        (args) => (this.#copy as EntityCopy).call(args),
        (registered, callback) => {
          if (registered === name) record = callback as unknown as RecordFunction;
        },
      ),
    );
    if (!record) throw new Error(`the engine has no function ${name}`);
    this.#record = record;
  }

  /**
   * What the store would answer to `record` after what was rehearsed on this copy since its `begin`; and, in the copy, what it would
   * write. Null: something is lacking, of which the copy tells as much as was found.
   * @throws whatever the engine throws: it is for the store to say what is wrong.
   */
  record(copy: EntityCopy, plan: Plan, rows: Buffer): string | null {
    this.#copy = copy;
    try {
      const argument = String.fromCharCode(plan.index) + rows.toString('latin1');
      const reply = this.#record([undefined, copy.log], [undefined, this.#head, argument]);
      return copy.lacking.length > 0 ? null : reply;
    } catch (error) {
      if (copy.lacking.length > 0) return null;
      throw error;
    } finally {
      this.#copy = null;
    }
  }
}
