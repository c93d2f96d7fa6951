import { createSourceEventStream, type ExecutionArgs, type ExecutionResult, execute, type GraphQLError } from 'graphql';
import { type Selection, selectionOf } from './selection.ts';
import type { WatchStream } from './watch-stream.ts';

/** How what concerns one client alone is done. */
export interface Aside {
  /** What the client may see of an error. */
  readonly mask: (error: unknown) => GraphQLError;
  /** Runs work on behalf of the client's request. */
  readonly runAs: <T>(requestId: string, work: () => T) => T;
}

/**
 * Begins a subscription whose messages are executed once for all clients that select the same of the same vectors. Null for one
 * that shows more than what follows from its vectors: it is executed for each client.
 */
export function subscribeShared(args: ExecutionArgs, aside: Aside): Promise<SharedMessages | ExecutionResult> | null {
  const selection = selectionOf(args);
  return selection && begin(args, selection, aside);
}

/** The result as the client may see it. */
export function masked(result: ExecutionResult, { mask }: Aside): ExecutionResult {
  return result.errors ? { ...result, errors: result.errors.map(mask) } : result;
}

async function begin(args: ExecutionArgs, selection: Selection, aside: Aside) {
  const source = await createSourceEventStream(args);
  if (!(Symbol.asyncIterator in source)) return masked(source, aside);
  return new SharedMessages(args, selection, source as WatchStream, aside);
}

/** A written-out iterator, as its source is, and for the same reason. */
export class SharedMessages implements AsyncIterableIterator<ExecutionResult> {
  readonly args: ExecutionArgs;
  readonly selection: Selection;
  readonly source: WatchStream;
  readonly aside: Aside;

  constructor(args: ExecutionArgs, selection: Selection, source: WatchStream, aside: Aside) {
    this.args = args;
    this.selection = selection;
    this.source = source;
    this.aside = aside;
  }

  async next(): Promise<IteratorResult<ExecutionResult, undefined>> {
    const { done, value: message } = await this.source.next();
    if (done) return { done, value: undefined };
    try {
      const shown = message.kind === 'updates' ? await this.selection.show(this.args, message.updates) : null;
      const value = shown ? this.selection.result(shown) : await execute({ ...this.args, rootValue: message });
      return { done: false, value };
    } catch (error) {
      await this.source.return();
      throw error;
    }
  }

  async throw(error: unknown): Promise<never> {
    await this.source.return();
    throw error;
  }

  return(): Promise<IteratorReturnResult<undefined>> {
    return this.source.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
