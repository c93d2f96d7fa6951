import {
  createSourceEventStream,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  type GraphQLError,
  getOperationAST,
} from 'graphql';
import type { FreshetContext } from './context.ts';
import { isWatch } from './purity.ts';
import { oldestEvent } from './push-counts.ts';
import { type Selection, selectionOf } from './selection.ts';
import type { EntityUpdate, Message, WatchStream } from './watch-stream.ts';

/** How what concerns one client alone is done. */
export interface Aside {
  /** What the client may see of an error. */
  readonly mask: (error: unknown) => GraphQLError;
  /** Runs work on behalf of the client's request. */
  readonly runAs: <T>(requestId: string, work: () => T) => T;
}

/**
 * Begins a subscription to the updates of a view. Messages that show no more than follows from their vectors are executed once
 * for all clients that select the same; others for each. Null for another subscription.
 */
export function subscribeToWatch(args: ExecutionArgs, aside: Aside): Promise<WatchMessages | ExecutionResult> | null {
  const { schema, document, operationName } = args;
  const operation = getOperationAST(document, operationName);
  return operation && isWatch(schema, operation) ? begin(args, aside) : null;
}

/** The result as the client may see it. */
export function masked(result: ExecutionResult, { mask }: Aside): ExecutionResult {
  return result.errors ? { ...result, errors: result.errors.map(mask) } : result;
}

async function begin(args: ExecutionArgs, aside: Aside) {
  const source = await createSourceEventStream(args);
  if (!(Symbol.asyncIterator in source)) return masked(source, aside);
  return new WatchMessages(args, selectionOf(args), source as WatchStream, aside);
}

/** A written-out iterator, as its source is, and for the same reason. */
export class WatchMessages implements AsyncIterableIterator<ExecutionResult> {
  readonly args: ExecutionArgs;
  /** What it shares with others; null: nothing. */
  readonly selection: Selection | null;
  readonly source: WatchStream;
  readonly aside: Aside;

  constructor(args: ExecutionArgs, selection: Selection | null, source: WatchStream, aside: Aside) {
    this.args = args;
    this.selection = selection;
    this.source = source;
    this.aside = aside;
  }

  async next(): Promise<IteratorResult<ExecutionResult, undefined>> {
    for (;;) {
      const { done, value: message } = await this.source.next();
      if (done) return { done, value: undefined };
      try {
        const value = (await this.#shared(message)) ?? (await this.execute(message));
        if (!value) continue;
        if (message.kind === 'updates') this.#count(message.updates);
        return { done: false, value };
      } catch (error) {
        await this.source.return();
        throw error;
      }
    }
  }

  /**
   * What a message is for its client alone. Where something that is read for it cannot be had now, it comes again in a while, until
   * it can; of these, the client is told but of the first and of the one that is whole: null for those between.
   */
  async execute(message: Message): Promise<ExecutionResult | null> {
    const result = await execute({ ...this.args, rootValue: message });
    if (message.kind === 'failure' || !result.errors?.some(isPassing)) return result;
    this.source.bringAgain(message.updates);
    return message.updates.every(({ isAgain }) => isAgain) ? null : result;
  }

  /** Who asks for one after the other is a response: over a WebSocket, messages are pushed. */
  #count(updates: readonly EntityUpdate[]): void {
    const { activity, hub } = this.args.contextValue as FreshetContext;
    const oldest = oldestEvent(updates);
    activity.pushes.sse.count(1, oldest === null ? 0 : 1, oldest, hub.storeNow());
  }

  async #shared(message: Message): Promise<ExecutionResult | null> {
    if (message.kind === 'failure' || !this.selection) return null;
    const shown = await this.selection.show(this.args, message.updates);
    return shown && this.selection.result(shown);
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

function isPassing({ extensions }: GraphQLError): boolean {
  return extensions.code === 'UNAVAILABLE';
}
