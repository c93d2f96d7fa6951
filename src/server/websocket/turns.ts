import { type Message, MessageType, parseMessage, type SubscribeMessage } from 'graphql-ws';
import { type MessageRefusal, refusalOfMessage } from './message-limits.ts';

export interface TurnsOptions {
  /**
   * Handles a message, a text if it is none; for a `subscribe` this settles once the whole operation is over, a stream when it
   * has ended.
   */
  readonly handle: (message: Message | string) => Promise<void>;
  /** Told of a `subscribe` whose id is that of an operation which the client has not completed; nothing begins. */
  readonly onTaken: (id: string) => void;
  /** Told of a message that is more than may be; nothing is done of it. */
  readonly onRefused: (refusal: MessageRefusal) => void;
  /** Told of what a stream ended with unexpectedly. */
  readonly onFailure: (error: unknown) => void;
}

/** An operation, from its `subscribe` until nothing of it goes on. */
interface Operation {
  readonly id: string;
  /** Whether the handler has it. */
  begun: boolean;
  /** Whether the client wants no more of it. */
  completed: boolean;
  /** Of its message; null once it counts as handled. */
  handled: PromiseWithResolvers<void> | null;
  /** The one that it waits for; null once the handler has it. */
  earlier: Operation | null;
  /** Begins the one that waits until this one is over. */
  next: (() => void) | null;
}

/**
 * Stands between the messages of one socket and graphql-ws, which knows an operation by its id alone: one that uses the
 * id of another again would be taken for it while the other, though completed by the client, is still on its way to an
 * answer or a stream. Here the new one waits until the old one is over.
 */
export class Turns {
  readonly #options: TurnsOptions;
  /** The newest operation of each id. */
  readonly #operations = new Map<string, Operation>();
  #closed = false;

  constructor(options: TurnsOptions) {
    this.#options = options;
  }

  /**
   * Settles when the message needs no more, or `streams` was called of it; rejects as `handle` does. Messages must come in the
   * order of the socket.
   */
  async take(text: string): Promise<void> {
    const message = parse(text);
    const refusal = message && refusalOfMessage(message, text.length);
    if (refusal) return this.#options.onRefused(refusal);
    if (message?.type === MessageType.Subscribe) return this.#subscribe(message);
    const operation = message?.type === MessageType.Complete && this.#operations.get(message.id);
    if (operation) operation.completed = true;
    // Not awaited here, where the message would be held until then.
    return !operation || operation.begun ? this.#options.handle(message ?? text) : undefined;
  }

  /** The operation of this id that the handler has is now a stream: its message counts as handled, though it goes on. */
  streams(id: string): void {
    let operation = this.#operations.get(id);
    while (operation?.earlier) operation = operation.earlier;
    operation?.handled?.resolve();
    if (operation) operation.handled = null;
  }

  /** The socket has closed: what waits never begins. */
  close(): void {
    this.#closed = true;
  }

  #subscribe(message: SubscribeMessage): Promise<void> | void {
    const { id } = message;
    const earlier = this.#operations.get(id);
    if (earlier && !earlier.completed) return this.#options.onTaken(id);
    const handled = Promise.withResolvers<void>();
    const operation: Operation = { id, begun: false, completed: false, handled, earlier: earlier ?? null, next: null };
    this.#operations.set(id, operation);
    if (earlier) earlier.next = () => this.#begin(operation, message);
    else this.#begin(operation, message);
    return handled.promise;
  }

  #begin(operation: Operation, message: SubscribeMessage): void {
    operation.earlier = null;
    if (operation.completed || this.#closed) {
      this.#end(operation);
      return;
    }
    operation.begun = true;
    const over = (failure: unknown) => {
      if (failure !== undefined && operation.handled) operation.handled.reject(failure);
      else if (failure !== undefined) this.#options.onFailure(failure);
      this.#end(operation);
    };
    this.#options.handle(message).then(over, over);
  }

  #end(operation: Operation): void {
    if (this.#operations.get(operation.id) === operation) this.#operations.delete(operation.id);
    operation.handled?.resolve();
    operation.next?.();
  }
}

/** What is no message is left to whoever closes the socket for it. */
function parse(text: string): Message | null {
  try {
    const message = parseMessage(text);
    if (message.type !== MessageType.Subscribe) return message;
    // graphql-ws holds on to it for as long as a subscription lasts, and so to whatever else was sent in it.
    const { type, id, payload } = message;
    return { type, id, payload };
  } catch {
    return null;
  }
}
