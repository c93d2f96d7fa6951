import {
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  getOperationAST,
  type OperationDefinitionNode,
} from 'graphql';
import type { Vector } from '../engine/index.ts';
import type { UpdateCause } from '../live/index.ts';
import { type Purity, purityOf } from './purity.ts';
import type { EntityUpdate, Message } from './watch-stream.ts';

/** Messages of more updates are mostly snapshots, which no two clients share. */
const mostShared = 64;

/** What clients are shown of one update. */
export class Shown {
  readonly value: unknown;
  #text: string | null = null;

  constructor(value: unknown) {
    this.value = value;
  }

  /** As JSON. */
  get text(): string {
    this.#text ??= JSON.stringify(this.value);
    return this.#text;
  }
}

/** Null where it is not without errors, which have their places in the message of each client. */
type MaybeShown = Shown | null;

/** Of one vector, for each cause. */
type ByCause = { [C in UpdateCause]?: MaybeShown | Promise<MaybeShown> };

/** What all subscriptions with one selection show of the vectors that they are given. */
export class Selection {
  readonly #name: string;
  /**
   * As long as the collector does not come for it: for all who are told at once, and mostly for those who are soon after.
   * Held for as long as its vector is, it would take more than all else of an entity.
   */
  readonly #shown = new WeakMap<Vector, WeakRef<ByCause>>();

  constructor({ name }: Purity) {
    this.#name = name;
  }

  /** What of a message stands for all its clients, at once if it can be; null where it must be executed for each. */
  show(
    args: ExecutionArgs,
    updates: readonly EntityUpdate[],
  ): readonly Shown[] | null | Promise<readonly Shown[] | null> {
    if (updates.length > mostShared) return null;
    const shown: (MaybeShown | Promise<MaybeShown>)[] = [];
    for (const update of updates) {
      const one = this.#once(args, update);
      if (one === null) return null;
      shown.push(one);
    }
    return shown.some((one) => one instanceof Promise)
      ? Promise.all(shown).then(unlessIncomplete)
      : unlessIncomplete(shown as MaybeShown[]);
  }

  result(shown: readonly Shown[]): ExecutionResult {
    return { data: { [this.#name]: shown.map(({ value }) => value) } };
  }

  /** The result as JSON. */
  text(shown: readonly Shown[]): string {
    return `{"data":{"${this.#name}":[${shown.map(({ text }) => text).join(',')}]}}`;
  }

  #once(args: ExecutionArgs, update: EntityUpdate): MaybeShown | Promise<MaybeShown> {
    const { cause, vector } = update;
    if (!vector) return null;
    const byCause = this.#of(vector);
    const known = byCause[cause];
    if (known !== undefined) return known;
    const shown = this.#execute(args, update);
    byCause[cause] = shown;
    if (shown instanceof Promise) {
      const keep = (one: MaybeShown) => {
        byCause[cause] = one;
      };
      shown.then(keep, () => {});
    }
    return shown;
  }

  #of(vector: Vector): ByCause {
    const known = this.#shown.get(vector)?.deref();
    if (known) return known;
    const byCause: ByCause = {};
    this.#shown.set(vector, new WeakRef(byCause));
    return byCause;
  }

  #execute(args: ExecutionArgs, update: EntityUpdate): MaybeShown | Promise<MaybeShown> {
    const rootValue: Message = { kind: 'updates', updates: [update] };
    const result = execute({ ...args, rootValue });
    return 'then' in result ? Promise.resolve(result).then((one) => this.#shownIn(one)) : this.#shownIn(result);
  }

  #shownIn({ data, errors }: ExecutionResult): MaybeShown {
    return errors || !data ? null : new Shown((data[this.#name] as readonly unknown[])[0]);
  }
}

function unlessIncomplete(shown: readonly MaybeShown[]): readonly Shown[] | null {
  return shown.includes(null) ? null : (shown as readonly Shown[]);
}

/** The selections that clients have, by operation and what else tells them apart. */
const selections = new WeakMap<OperationDefinitionNode, Map<string, Selection>>();

/** Null for an operation that shows more than what follows from its vectors. */
export function selectionOf({ schema, document, operationName, variableValues }: ExecutionArgs): Selection | null {
  const operation = getOperationAST(document, operationName);
  const purity = operation && purityOf(schema, document, operation);
  if (!purity) return null;
  // What is left out has its default, which null has not.
  const given = variableValues ?? {};
  const key = JSON.stringify(purity.variables.map((name) => (name in given ? [given[name] ?? null] : [])));
  const ofOperation = selections.get(operation) ?? new Map<string, Selection>();
  selections.set(operation, ofOperation);
  const selection = ofOperation.get(key) ?? new Selection(purity);
  ofOperation.set(key, selection);
  return selection;
}
