import { join } from 'node:path';

/** A worker's place among those that share a port. */
export interface WorkerPlace {
  /** Never another worker's, also not of one that has ended. */
  readonly id: number;
  /** The folder in which each worker has a socket of its own, by which the others reach it. */
  readonly sockets: string;
}

/** The socket of the worker of this id. */
export function socketOf(sockets: string, id: number): string {
  return join(sockets, `${id}.sock`);
}

/**
 * Whose an event stream is. Each request of its client may come to another worker, so its token begins with the id of the
 * worker that holds it.
 */
export class OtherWorkers {
  readonly #own: WorkerPlace;

  constructor(own: WorkerPlace) {
    this.#own = own;
  }

  /** How the tokens of our own streams begin. */
  get tokenPrefix(): string {
    return `${this.#own.id}.`;
  }

  /** The socket of the worker that may hold the stream of this token; null if that is none, or we. */
  socketFor(token: string): string | null {
    const id = /^([1-9]\d{0,8})\./.exec(token)?.[1];
    return id === undefined || Number(id) === this.#own.id ? null : socketOf(this.#own.sockets, Number(id));
  }
}
