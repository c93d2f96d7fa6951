import { type DocumentNode, type GraphQLSchema, getOperationAST } from 'graphql';
import { LRUCache } from 'lru-cache';
import type { CompiledOperation } from './compile-operation.ts';
import { OperationVariants } from './operation-variants.ts';

/** Most operations that come once or twice never come again. */
const defaultHotAfter = 3;
/** Of operations that may become hot, only how often they came is kept. */
const mostCounted = 5_000;
const countedBytes = 4 * 1024 * 1024;
const mostCompiled = 1_000;
const compiledBytes = 16 * 1024 * 1024;
/** Most operations that wait for being compiled: what comes meanwhile has to come again. */
const mostWaiting = 100;
/** About what is held for each character of a document that is compiled, and for each way in which it is. */
const documentBytesPerCharacter = 100;
const variantBytesPerCharacter = 40;
/** What is longer has its ids in it. */
const longestText = 32 * 1024;

/** A query with the name of the operation that is asked for. */
interface Asked {
  readonly query: string;
  readonly operationName: string | null;
}

/** How many operations are known, and how many are compiled. */
export interface HotCounts {
  readonly counted: number;
  readonly compiled: number;
}

/**
 * The operations that clients send again and again, compiled. Anyone may send any number of others: they are counted within bounds, and
 * compiled one by one between requests, once they have been valid, and within all limits, several times.
 */
export class HotOperations {
  readonly #schema: GraphQLSchema;
  readonly #hotAfter: number;
  readonly #onFault: (error: unknown) => void;
  readonly #counted = new LRUCache<string, number>({
    max: mostCounted,
    maxSize: countedBytes,
    sizeCalculation: (_, key) => 2 * key.length,
  });
  readonly #compiled = new LRUCache<string, OperationVariants>({
    max: mostCompiled,
    maxSize: compiledBytes,
    sizeCalculation: ({ most }, key) => key.length * (documentBytesPerCharacter + most * variantBytesPerCharacter),
  });
  /** What was found last. It may be one that had to make room meanwhile. */
  #last: (Asked & { readonly variants: OperationVariants }) | null = null;
  readonly #waiting: {
    readonly key: string;
    readonly document: DocumentNode;
    readonly operationName: string | null;
  }[] = [];

  /**
   * @param onFault told of what compiling failed with, which is a fault of ours; the operation is for the reference.
   * @param hotAfter an operation that was executed so often is compiled; default 3.
   */
  constructor(schema: GraphQLSchema, onFault: (error: unknown) => void, hotAfter: number = defaultHotAfter) {
    this.#schema = schema;
    this.#onFault = onFault;
    this.#hotAfter = hotAfter;
  }

  /** The operation for these variables; null: it is not hot, or cannot be compiled. */
  find(asked: Asked, variables: { readonly [name: string]: unknown }): CompiledOperation | null {
    try {
      return this.#variantsOf(asked)?.for(variables) ?? null;
    } catch (error) {
      this.#onFault(error);
      return null;
    }
  }

  /** Mostly it is the one that was asked for last: its text is compared sooner than it is looked up. */
  #variantsOf(asked: Asked): OperationVariants | undefined {
    const { query, operationName } = asked;
    const last = this.#last;
    if (last && last.query === query && last.operationName === operationName) return last.variants;
    const variants = this.#compiled.get(keyOf(asked));
    if (variants) this.#last = { query, operationName, variants };
    return variants;
  }

  /** An operation has passed all checks, and is executed by the reference. */
  note(asked: Asked, document: DocumentNode): void {
    if (asked.query.length > longestText || this.#waiting.length >= mostWaiting) return;
    const key = keyOf(asked);
    if (this.#compiled.has(key)) return;
    const times = (this.#counted.get(key) ?? 0) + 1;
    this.#counted.set(key, times);
    if (times !== this.#hotAfter) return;
    if (this.#waiting.push({ key, document, operationName: asked.operationName }) === 1)
      setImmediate(this.#compileNext);
  }

  /** Compiles an operation that is known beforehand, whether clients name it or not. It is valid, and the only one of its document. */
  warm(query: string, document: DocumentNode): void {
    if (this.#hotAfter === Number.POSITIVE_INFINITY) return;
    const name = getOperationAST(document)?.name?.value;
    for (const operationName of name === undefined ? [null] : [null, name]) {
      const variants = new OperationVariants(this.#schema, document, operationName);
      this.#compiled.set(keyOf({ query, operationName }), variants);
    }
  }

  get counts(): HotCounts {
    return { counted: this.#counted.size, compiled: this.#compiled.size };
  }

  readonly #compileNext = (): void => {
    const next = this.#waiting.shift();
    if (!next) return;
    this.#counted.delete(next.key);
    // What is found without being looked up is not to look as if it were long ago.
    if (this.#last) this.#compiled.get(keyOf(this.#last));
    try {
      this.#compiled.set(next.key, new OperationVariants(this.#schema, next.document, next.operationName));
    } catch (error) {
      this.#onFault(error);
    }
    if (this.#waiting.length > 0) setImmediate(this.#compileNext);
  };
}

/** Both may be any text: the length says where the name ends, and that there is none. */
function keyOf({ query, operationName }: Asked): string {
  return operationName === null ? `:${query}` : `${operationName.length}:${operationName}${query}`;
}
