import { MessageType, parseMessage } from 'graphql-ws';

export interface TurnsOptions {
  /** Handles a message; for a `subscribe` it settles once the whole operation is over, a stream when it has ended. */
  readonly handle: (text: string) => Promise<void>;
  /** Told of a `subscribe` whose id is that of an operation which the client has not completed; nothing begins. */
  readonly onTaken: (id: string) => void;
}

/** An operation, from its `subscribe` until nothing of it goes on. */
interface Operation {
  /** Whether the handler has it. */
  begun: boolean;
  /** Whether the client wants no more of it. */
  completed: boolean;
  readonly over: Promise<void>;
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

  /** Settles when the message needs no more; rejects as `handle` does. Messages must come in the order of the socket. */
  async take(text: string): Promise<void> {
    const message = parse(text);
    if (message?.type === MessageType.Subscribe) return this.#subscribe(message.id, text);
    if (message?.type === MessageType.Complete) return this.#complete(message.id, text);
    return this.#options.handle(text);
  }

  /** The socket has closed: what waits never begins. */
  close(): void {
    this.#closed = true;
  }

  async #subscribe(id: string, text: string): Promise<void> {
    const { handle, onTaken } = this.#options;
    const earlier = this.#operations.get(id);
    if (earlier && !earlier.completed) return onTaken(id);
    const { promise: over, resolve: end } = Promise.withResolvers<void>();
    const operation: Operation = { begun: false, completed: false, over };
    this.#operations.set(id, operation);
    try {
      if (earlier) await earlier.over;
      if (operation.completed || this.#closed) return;
      operation.begun = true;
      await handle(text);
    } finally {
      if (this.#operations.get(id) === operation) this.#operations.delete(id);
      end();
    }
  }

  async #complete(id: string, text: string): Promise<void> {
    const operation = this.#operations.get(id);
    if (operation) operation.completed = true;
    if (!operation || operation.begun) await this.#options.handle(text);
  }
}

/** What is no message is left to whoever closes the socket for it. */
function parse(text: string): ReturnType<typeof parseMessage> | null {
  try {
    return parseMessage(text);
  } catch {
    return null;
  }
}
