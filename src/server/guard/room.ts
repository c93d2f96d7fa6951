import { getHeapStatistics } from 'node:v8';

/** Of each request, so much is not counted: most take no more. */
export const freeBytes = 49_152;

/** A quarter of what Node lets its heap grow to. */
const defaultMostBytes = () => Math.floor(getHeapStatistics().heap_size_limit / 4);

/** Why there is none: this client has taken its half, or all of them have taken all. */
export type NoRoom = 'client' | 'all';

/** What requests under way may take of memory, in all and of each client: however many bodies are small enough, together they are not. */
export class Room {
  readonly #mostBytes: number;
  readonly #ofClients = new Map<string, number>();
  #takenBytes = 0;

  constructor(mostBytes: number = defaultMostBytes()) {
    this.#mostBytes = mostBytes;
  }

  get takenBytes(): number {
    return this.#takenBytes;
  }

  /** For one request of a client. */
  for(client: string): RequestRoom {
    return new RequestRoom(this, client);
  }

  /** @returns why there is not so much. */
  take(client: string, bytes: number): NoRoom | null {
    const had = this.#ofClients.get(client) ?? 0;
    const lack =
      had + bytes > this.#mostBytes / 2 ? 'client' : this.#takenBytes + bytes > this.#mostBytes ? 'all' : null;
    if (lack) return lack;
    this.#takenBytes += bytes;
    this.#ofClients.set(client, had + bytes);
    return null;
  }

  giveBack(client: string, bytes: number): void {
    this.#takenBytes -= bytes;
    const left = (this.#ofClients.get(client) ?? 0) - bytes;
    if (left > 0) this.#ofClients.set(client, left);
    else this.#ofClients.delete(client);
  }
}

/** What one request takes, until it is answered. */
export class RequestRoom {
  readonly #room: Room;
  readonly #client: string;
  #neededBytes = 0;
  #takenBytes = 0;

  constructor(room: Room, client: string) {
    this.#room = room;
    this.#client = client;
  }

  /** @returns why there is not so much more. */
  take(bytes: number): NoRoom | null {
    this.#neededBytes += bytes;
    const lacking = this.#neededBytes - freeBytes - this.#takenBytes;
    if (lacking <= 0) return null;
    const lack = this.#room.take(this.#client, lacking);
    if (!lack) this.#takenBytes += lacking;
    return lack;
  }

  release(): void {
    if (this.#takenBytes > 0) this.#room.giveBack(this.#client, this.#takenBytes);
    this.#takenBytes = 0;
  }
}
