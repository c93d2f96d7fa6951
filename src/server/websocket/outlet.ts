import type { Vector } from '../../engine/index.ts';
import type { Sender, TextOutlet } from '../../graphql/index.ts';
import type { SocketWriter } from './socket-writer.ts';

/** Sends the results of one subscription past graphql-ws, in the messages that it would make of them. */
export class Outlet implements TextOutlet {
  readonly #writer: SocketWriter;
  readonly #id: string;

  constructor(writer: SocketWriter, id: string) {
    this.#writer = writer;
    this.#id = JSON.stringify(id);
  }

  get isFull(): boolean {
    return this.#writer.isFull;
  }

  whenFree(sender: Sender): void {
    this.#writer.whenFree(sender);
  }

  forget(sender: Sender): void {
    this.#writer.forget(sender);
  }

  push(text: string, sender: Sender, event: Vector | null): void {
    this.#writer.push(`{"id":${this.#id},"type":"next","payload":${text}}`, sender, event);
  }
}
