import {
  createSourceEventStream,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  type GraphQLCompositeType,
  type GraphQLSchema,
  getNamedType,
  getOperationAST,
  isCompositeType,
  isUnionType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValueNode,
} from 'graphql';
import type { View } from '../define/index.ts';
import type { Vector } from '../engine/index.ts';
import type { UpdateCause } from '../live/index.ts';
import type { EntityUpdate, Message, WatchStream } from './watch-stream.ts';

/**
 * Under this name a field's extensions say that its answer, where it is given no argument, follows from its parent alone (true),
 * or does where its parent came with an update of this view.
 */
export const pureExtension = 'freshetPure';

/** What a client is shown of one update; null where it is not without errors. */
type Shown = unknown | null;

/** Messages of more updates are mostly snapshots, which no two clients share. */
const mostShared = 64;
/** With more variables that decide what is selected, hardly two clients select the same. */
const mostVariables = 4;

/** What all subscriptions with one selection show of the vectors that they are given. */
class Selection {
  readonly #view: View;
  readonly #name: string;
  readonly #shown = new WeakMap<Vector, Map<UpdateCause, Promise<Shown>>>();

  constructor({ view, name }: Purity) {
    this.#view = view;
    this.#name = name;
  }

  /** What of a message stands for all its clients; null where it must be executed for each. */
  async show(args: ExecutionArgs, updates: readonly EntityUpdate[]): Promise<ExecutionResult | null> {
    if (updates.length > mostShared) return null;
    const shown = await Promise.all(updates.map((update) => this.#once(args, update)));
    return shown.includes(null) ? null : { data: { [this.#name]: shown } };
  }

  #once(args: ExecutionArgs, update: EntityUpdate): Promise<Shown> {
    const { cause, entity } = update;
    const vector = entity.vectors?.get(this.#view);
    if (!vector) return Promise.resolve(null);
    const ofVector = this.#shown.get(vector) ?? new Map<UpdateCause, Promise<Shown>>();
    this.#shown.set(vector, ofVector);
    const known = ofVector.get(cause);
    if (known) return known;
    const shown = this.#execute(args, update);
    ofVector.set(cause, shown);
    return shown;
  }

  async #execute(args: ExecutionArgs, update: EntityUpdate): Promise<Shown> {
    const rootValue: Message = { kind: 'updates', updates: [update] };
    const { data, errors } = await execute({ ...args, rootValue });
    if (errors || !data) return null;
    return (data[this.#name] as readonly unknown[])[0];
  }
}

/** The selections that clients have, by operation and what else tells them apart. */
const selections = new WeakMap<OperationDefinitionNode, Map<string, Selection>>();

/**
 * Begins a subscription whose messages are executed once for all clients that select the same of the same vectors. Null for one
 * that shows more than what follows from its vectors: it is executed for each client.
 */
export function subscribeShared(args: ExecutionArgs): Promise<AsyncIterable<ExecutionResult> | ExecutionResult> | null {
  const selection = selectionOf(args);
  return selection && begin(args, selection);
}

async function begin(args: ExecutionArgs, selection: Selection) {
  const source = await createSourceEventStream(args);
  return Symbol.asyncIterator in source ? new SharedResults(args, selection, source as WatchStream) : source;
}

/** A written-out iterator, as its source is, and for the same reason. */
class SharedResults implements AsyncIterableIterator<ExecutionResult> {
  readonly #args: ExecutionArgs;
  readonly #selection: Selection;
  readonly #source: WatchStream;

  constructor(args: ExecutionArgs, selection: Selection, source: WatchStream) {
    this.#args = args;
    this.#selection = selection;
    this.#source = source;
  }

  async next(): Promise<IteratorResult<ExecutionResult, undefined>> {
    const { done, value: message } = await this.#source.next();
    if (done) return { done, value: undefined };
    try {
      const shown = message.kind === 'updates' ? await this.#selection.show(this.#args, message.updates) : null;
      return { done: false, value: shown ?? (await execute({ ...this.#args, rootValue: message })) };
    } catch (error) {
      await this.#source.return();
      throw error;
    }
  }

  async throw(error: unknown): Promise<never> {
    await this.#source.return();
    throw error;
  }

  return(): Promise<IteratorReturnResult<undefined>> {
    return this.#source.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

function selectionOf({ schema, document, operationName, variableValues }: ExecutionArgs): Selection | null {
  const operation = getOperationAST(document, operationName);
  const purity = operation && purityOf(schema, document, operation);
  if (!purity) return null;
  const key = JSON.stringify(purity.variables.map((name) => variableValues?.[name] ?? null));
  const ofOperation = selections.get(operation) ?? new Map<string, Selection>();
  selections.set(operation, ofOperation);
  const selection = ofOperation.get(key) ?? new Selection(purity);
  ofOperation.set(key, selection);
  return selection;
}

/** What a pure operation depends on beside the vectors. */
interface Purity {
  /** Whose updates are watched. */
  readonly view: View;
  /** The name under which its field is answered. */
  readonly name: string;
  /** Variables that decide about what is selected; those with a default are looked up as they are given. */
  readonly variables: readonly string[];
}

const purities = new WeakMap<OperationDefinitionNode, Purity | null>();

/** Null for an operation that depends on more than its vectors. */
function purityOf(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode): Purity | null {
  const known = purities.get(operation);
  if (known !== undefined) return known;
  const purity = new PurityCheck(schema, document).of(operation);
  purities.set(operation, purity);
  return purity;
}

class PurityCheck {
  readonly #schema: GraphQLSchema;
  readonly #fragments: ReadonlyMap<string, { readonly condition: string; readonly selectionSet: SelectionSetNode }>;
  readonly #variables = new Set<string>();
  readonly #spread = new Set<string>();
  #view: View | undefined;

  constructor(schema: GraphQLSchema, document: DocumentNode) {
    this.#schema = schema;
    this.#fragments = new Map(
      document.definitions
        .filter((one) => one.kind === Kind.FRAGMENT_DEFINITION)
        .map((one) => [one.name.value, { condition: one.typeCondition.name.value, selectionSet: one.selectionSet }]),
    );
  }

  of(operation: OperationDefinitionNode): Purity | null {
    const root = this.#schema.getSubscriptionType();
    const [field, ...others] = operation.selectionSet.selections;
    if (!root || field?.kind !== Kind.FIELD || others.length > 0 || (field.directives?.length ?? 0) > 0) return null;
    const definition = root.getFields()[field.name.value];
    const type = definition && getNamedType(definition.type);
    this.#view = definition?.extensions[pureExtension] as View | undefined;
    if (!this.#view || !isCompositeType(type) || !field.selectionSet) return null;
    if (!this.#isPure(type, field.selectionSet) || this.#variables.size > mostVariables) return null;
    return { view: this.#view, name: (field.alias ?? field.name).value, variables: [...this.#variables] };
  }

  #isPure(type: GraphQLCompositeType, { selections }: SelectionSetNode): boolean {
    return selections.every((selection) => {
      for (const { name, arguments: given = [] } of selection.directives ?? []) {
        if (name.value !== 'skip' && name.value !== 'include') return false;
        for (const { value } of given) this.#note(value);
      }
      if (selection.kind === Kind.FIELD) {
        if (selection.name.value === '__typename') return true;
        const definition = isUnionType(type) ? undefined : type.getFields()[selection.name.value];
        const pure = definition?.extensions[pureExtension];
        if (!definition || (pure !== true && pure !== this.#view)) return false;
        if ((selection.arguments?.length ?? 0) > 0) return false;
        const inner = getNamedType(definition.type);
        return !selection.selectionSet || (isCompositeType(inner) && this.#isPure(inner, selection.selectionSet));
      }
      if (selection.kind === Kind.INLINE_FRAGMENT) {
        return this.#isPureAs(selection.typeCondition?.name.value, type, selection.selectionSet);
      }
      if (this.#spread.has(selection.name.value)) return true;
      this.#spread.add(selection.name.value);
      const fragment = this.#fragments.get(selection.name.value);
      return fragment !== undefined && this.#isPureAs(fragment.condition, type, fragment.selectionSet);
    });
  }

  #isPureAs(condition: string | undefined, type: GraphQLCompositeType, selectionSet: SelectionSetNode): boolean {
    const narrowed = condition === undefined ? type : this.#schema.getType(condition);
    return isCompositeType(narrowed) && this.#isPure(narrowed, selectionSet);
  }

  #note(value: ValueNode): void {
    if (value.kind === Kind.VARIABLE) this.#variables.add(value.name.value);
  }
}
