import type { ExecutionResult } from 'graphql';
import type { Vector } from '../engine/index.ts';
import type { Collector } from '../live/index.ts';
import type { FreshetContext } from './context.ts';
import { oldestEvent } from './push-counts.ts';
import type { Shown } from './selection.ts';
import { masked, type WatchMessages } from './watch-messages.ts';
import type { Message } from './watch-stream.ts';

/** Where the results of one subscription go as text. */
export interface TextOutlet {
  /** Whether so much waits for the client that no more should be made for it: what comes later would be newer. */
  readonly isFull: boolean;
  /**
   * Sends a result; `sender.goOn()` is called, later, once the client has taken it, or never will.
   * @param event the vector of the oldest event that it tells of; null: it tells of none.
   */
  push(text: string, sender: Sender, event: Vector | null): void;
  /**
   * Has `sender.goOn()` called, later, once it is no longer full, or never will be used again. Those who wait are called one by one:
   * the next once this one has pushed, or is forgotten.
   */
  whenFree(sender: Sender): void;
  /** It has nothing to push. */
  forget(sender: Sender): void;
}

export interface Sender {
  goOn(): void;
}

const done: IteratorReturnResult<undefined> = { done: true, value: undefined };

/**
 * A subscription whose results go out as text by themselves: made once for all who are shown the same, and sent without a
 * promise a message. What is left to iterate over are results with errors, in their place among the others, and the end. One
 * result is under way at a time; what changes meanwhile waits in the mailbox, where the newest replaces what is older.
 */
export class PushedMessages implements AsyncIterableIterator<ExecutionResult>, Collector, Sender {
  readonly #subscription: WatchMessages;
  readonly #outlet: TextOutlet;
  readonly #isCutShort: () => boolean;
  /** Settles what `next()` gave. Until it is asked again, whoever asked is busy with what it got. */
  #answer: ((result: IteratorResult<ExecutionResult, undefined> | Promise<never>) => void) | null = null;
  #sending = false;
  #onOver: (() => void) | null = null;

  /** @param isCutShort asked when there is no more: whether its client is to come back for the rest, and not to be told that it was all. */
  constructor(subscription: WatchMessages, outlet: TextOutlet, isCutShort: () => boolean) {
    this.#subscription = subscription;
    this.#outlet = outlet;
    this.#isCutShort = isCutShort;
    subscription.source.setCollector(this);
  }

  /** Tells once it has ended, however it does. */
  whenOver(tell: () => void): void {
    this.#onOver = tell;
  }

  next(): Promise<IteratorResult<ExecutionResult, undefined>> {
    return new Promise((resolve) => {
      this.#answer = resolve;
      this.#goOn();
    });
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    await this.#subscription.source.return();
    this.#settle(done);
    return done;
  }

  async throw(error: unknown): Promise<never> {
    await this.return();
    throw error;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  ready(): void {
    this.#goOn();
  }

  goOn(): void {
    this.#sending = false;
    this.#goOn();
  }

  #goOn(): void {
    if (this.#sending) return;
    const { source, selection, args } = this.#subscription;
    if (!this.#answer || (source.isEmpty && !source.ended)) {
      this.#outlet.forget(this);
      return;
    }
    this.#sending = true;
    if (this.#outlet.isFull && !source.ended) {
      this.#outlet.whenFree(this);
      return;
    }
    const message = source.collect();
    if (!message) {
      void this.#end();
      return;
    }
    try {
      const shown = message.kind === 'updates' && selection ? selection.show(args, message.updates) : null;
      if (shown instanceof Promise) {
        shown.then((one) => this.#send(one, message)).catch((error) => this.#fail(error));
      } else this.#send(shown, message);
    } catch (error) {
      this.#fail(error);
    }
  }

  #send(shown: readonly Shown[] | null, message: Message): void {
    if (!this.#answer) return;
    const { selection } = this.#subscription;
    if (shown && selection) this.#outlet.push(selection.text(shown), this, eventOf(message));
    else void this.#sendAside(message);
  }

  /** Executes it for its client alone. */
  async #sendAside(message: Message): Promise<void> {
    const { args, aside } = this.#subscription;
    const { requestId } = args.contextValue as FreshetContext;
    try {
      const result = await aside.runAs(requestId, async () => {
        const own = await this.#subscription.execute(message);
        return own && masked(own, aside);
      });
      if (!this.#answer) return;
      if (!result) this.goOn();
      else if (result.errors) this.#settle({ done: false, value: result });
      // Whoever iterates would hold on to it, a snapshot of a thousand entities, until the next one.
      else this.#outlet.push(JSON.stringify(result), this, eventOf(message));
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Its last word may be why it ended. */
  async #end(): Promise<void> {
    const { done: ended, value: message } = await this.#subscription.source.next();
    if (!ended) await this.#sendAside(message);
    else if (this.#isCutShort()) this.#over();
    else this.#settle(done);
  }

  #fail(error: unknown): void {
    void this.#subscription.source.return();
    if (this.#answer) this.#settle(Promise.reject(error));
    this.#over();
  }

  #settle(result: IteratorResult<ExecutionResult, undefined> | Promise<never>): void {
    this.#sending = false;
    this.#outlet.forget(this);
    this.#answer?.(result);
    this.#answer = null;
    if (result === done) this.#over();
  }

  #over(): void {
    this.#outlet.forget(this);
    this.#onOver?.();
    this.#onOver = null;
  }
}

function eventOf(message: Message): Vector | null {
  return message.kind === 'updates' ? oldestEvent(message.updates) : null;
}
