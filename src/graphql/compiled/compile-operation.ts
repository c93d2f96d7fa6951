import { type FieldNode, GraphQLError, OperationTypeNode } from 'graphql';
import type { Caller } from '../../access/index.ts';
import { maxShownValues, maxVectors, type SizedArgument } from '../limits.ts';
import { costOf } from '../operation-cost.ts';
import { type CostByItems, type Shown, shownBy, shownCostOf, sizedArgumentExtension } from '../operation-size.ts';
import { ownWorkOf, type RootContext } from '../own-resolvers.ts';
import { type Rule, ruleOf } from '../rules.ts';
import { NotCompilableError } from './not-compilable.ts';
import { SelectionCompiler, type Written } from './object-text.ts';
import { type ReadAhead, Run } from './run.ts';
import { type SelectedOperation, selectedFields } from './selected-fields.ts';
import { OperationVariables, type Variables } from './variables.ts';

/** What was done already of an operation that is left to the reference, which need not do it again, and must not record it again. */
export interface Ahead {
  /** By a query. */
  readonly read: readonly ReadAhead[];
  /** By mutations, by the names under which they are answered. */
  readonly recorded: ReadonlyMap<string, RecordedAhead>;
}

/** What was done of a mutation. */
export interface RecordedAhead {
  /** What it came to, or failed with. */
  readonly result: unknown;
  /** What was read for its answer, before the next one began. */
  readonly read: readonly ReadAhead[];
}

/** What a run came to. */
export type Ran =
  /** `data` as JSON; nothing went wrong. */
  | { readonly kind: 'written'; readonly data: string }
  /** Something did, or is beyond a limit, or is unknown here: the reference is to say what it comes to. */
  | { readonly kind: 'left'; readonly ahead: Ahead | null };

/** Whether an operation of this cost may run. */
export type Admits = (cost: number) => boolean | Promise<boolean>;

interface Root {
  readonly name: string;
  readonly rule: Rule;
  readonly begin: (args: never, context: RootContext) => unknown;
  readonly args: number;
  readonly sized: SizedArgument | null;
  /** By what it shows. */
  readonly cost: CostByItems;
  readonly written: Written;
}

const nothingDone: Ran = { kind: 'left', ahead: null };

/**
 * A valid operation as a function that writes its answer, made of what the plugin knows of its own fields: no promise, error or object
 * is made for a value that is only shown.
 */
export class CompiledOperation {
  readonly kind: 'query' | 'mutation';
  readonly #selected: SelectedOperation;
  readonly #variables: OperationVariables;
  readonly #compiler: SelectionCompiler;
  readonly #roots: readonly Root[];
  /** What is shown where each list that comes with the variables has one item. */
  readonly #shown: Shown;

  private constructor(selected: SelectedOperation) {
    this.#selected = selected;
    this.kind = selected.operation.operation === OperationTypeNode.MUTATION ? 'mutation' : 'query';
    this.#variables = new OperationVariables(selected.schema, selected.operation);
    this.#compiler = new SelectionCompiler(selected);
    this.#roots = this.#compileRoots();
    this.#shown = shownBy(selected);
  }

  /** Null: it has something that only the reference knows how to do, or to say what is wrong with it. */
  static of(selected: SelectedOperation): CompiledOperation | null {
    try {
      return new CompiledOperation(selected);
    } catch (error) {
      if (error instanceof NotCompilableError || error instanceof GraphQLError) return null;
      throw error;
    }
  }

  /** Whether a caller may begin all of it, be it for some ids only; if not, the reference says so. */
  isFor(caller: Caller): boolean {
    for (const { rule } of this.#roots) if (!rule.allows(caller)) return false;
    return true;
  }

  /**
   * @param admits asked whether an operation of this cost may run; if not, nothing is done. Null: nobody asks.
   * @throws what the engine throws that is no fault of its store.
   */
  run(given: Variables, context: RootContext, admits: Admits | null = null): Ran | Promise<Ran> {
    const args = this.#argumentsOf(given);
    if (!args || !this.#isWithinLimits(args)) return nothingDone;
    if (admits === null) return this.#execute(args, context);
    const admitted = admits(this.#costOf(args));
    if (typeof admitted === 'boolean') return admitted ? this.#execute(args, context) : nothingDone;
    return admitted.then((isAdmitted) => (isAdmitted ? this.#execute(args, context) : nothingDone));
  }

  #execute(args: readonly object[], context: RootContext): Promise<Ran> {
    return this.kind === 'mutation' ? this.#mutate(args, context) : this.#query(args, context);
  }

  /** As `operationCost` has it. */
  #costOf(args: readonly object[]): number {
    let shown = 0;
    let recorded = 0;
    for (const { sized, args: place, cost } of this.#roots) {
      const list = sized && (args[place] as Variables)[sized.argument];
      const items = Array.isArray(list) ? list.length : 1;
      shown += cost.fixed + cost.eachItem * items;
      if (this.kind === 'mutation') recorded += items;
    }
    return costOf(shown, recorded);
  }

  /** Null where something does not fit. */
  #argumentsOf(given: Variables): object[] | null {
    const variables = this.#variables.coerce(given);
    if (!variables) return null;
    try {
      return this.#compiler.argumentsOf(variables);
    } catch {
      return null;
    }
  }

  async #query(args: readonly object[], context: RootContext): Promise<Ran> {
    const run = new Run(args, context.caller);
    try {
      const values = this.#roots.map(({ begin, args: place }) => begin(args[place] as never, context));
      for (const [i, { written }] of this.#roots.entries()) written.gather?.(values[i], run);
      if (await run.read(context.engine, (count) => context.activity.countReads(count))) {
        return { kind: 'written', data: this.#data((root, i) => root.written.text(values[i], run)) };
      }
    } catch {
      // Whatever it is, the reference comes upon it, too.
    }
    return { kind: 'left', ahead: { read: run.ahead(), recorded: new Map() } };
  }

  /** One after the other, each with all that it answers. */
  async #mutate(args: readonly object[], context: RootContext): Promise<Ran> {
    const begun: { readonly name: string; readonly result: unknown; readonly run: Run }[] = [];
    const texts: string[] = [];
    for (const { name, begin, args: place, written } of this.#roots) {
      const run = new Run(args, context.caller);
      const result = await resultOf(() => begin(args[place] as never, context));
      begun.push({ name, result, run });
      const text = result instanceof Error ? null : await this.#answer(written, result, run, context);
      if (text === null) {
        const recorded = begun.map((one) => [one.name, { result: one.result, read: one.run.ahead() }] as const);
        return { kind: 'left', ahead: { read: [], recorded: new Map(recorded) } };
      }
      texts.push(text);
    }
    return { kind: 'written', data: this.#data((_, i) => texts[i] as string) };
  }

  /** Null: it is for the reference. */
  async #answer(
    written: Written,
    result: unknown,
    run: Run,
    { engine, activity }: RootContext,
  ): Promise<string | null> {
    try {
      written.gather?.(result, run);
      const isWhole = run.wantsNothing || (await run.read(engine, (count) => activity.countReads(count)));
      return isWhole ? written.text(result, run) : null;
    } catch {
      return null;
    }
  }

  #data(text: (root: Root, place: number) => string): string {
    return `{${this.#roots.map((root, i) => `"${root.name}":${text(root, i)}`).join(',')}}`;
  }

  /** No more than the reference would let pass: if every list were as long as the longest, all would be so many times as much. */
  #isWithinLimits(args: readonly object[]): boolean {
    let longest = 1;
    for (const { sized, args: place } of this.#roots) {
      const list = sized && (args[place] as Variables)[sized.argument];
      if (!sized || !Array.isArray(list)) continue;
      if (list.length > sized.most) return false;
      longest = Math.max(longest, list.length);
    }
    return longest * this.#shown.vectors <= maxVectors && longest * this.#shown.values <= maxShownValues;
  }

  #compileRoots(): Root[] {
    const { schema, operation } = this.#selected;
    const type = schema.getRootType(operation.operation);
    if (!type || operation.operation === OperationTypeNode.SUBSCRIPTION) {
      throw new NotCompilableError('it is neither a query nor a mutation');
    }
    const fields = selectedFields(this.#selected, type, [operation.selectionSet]);
    return [...fields].map(([name, nodes]) => {
      const node = nodes[0] as FieldNode;
      const field = type.getFields()[node.name.value];
      const work = field ? ownWorkOf(field) : null;
      const rule = field && ruleOf(field);
      if (!field || !rule || work?.kind !== 'root') {
        throw new NotCompilableError(`${node.name.value} may do anything`);
      }
      return {
        name,
        rule,
        begin: work.begin,
        args: this.#compiler.noteArguments(field, node),
        sized: (field.extensions[sizedArgumentExtension] as SizedArgument | undefined) ?? null,
        cost: shownCostOf(this.#selected, node, nodes),
        written: this.#compiler.complete(field.type, nodes),
      };
    });
  }
}

/** What work comes to, or fails with. */
async function resultOf(work: () => unknown): Promise<unknown> {
  try {
    return await work();
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
