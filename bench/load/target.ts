import { type LoadRequest, stamp } from './request.ts';

/** What came back and was not what had been learned. */
export interface WrongReply {
  /** Of the request. */
  readonly index: number;
  readonly status: number;
  readonly body: string;
}

const keptWrong = 5;

/**
 * One server and what it is asked: which request is next, what each must be answered, byte for byte, and what was answered
 * otherwise. Requests that record are all answered alike.
 */
export class Target {
  readonly port: number;
  readonly #requests: readonly LoadRequest[];
  readonly #expected: (Buffer | undefined)[] = [];
  readonly #wrong: WrongReply[] = [];
  readonly #stamps: Stamps;
  #wrongCount = 0;
  #next = 0;
  /** Of events. */
  #number = 0;

  constructor(port: number, requests: readonly LoadRequest[], stamps: Stamps) {
    this.port = port;
    this.#requests = requests;
    this.#stamps = stamps;
  }

  get size(): number {
    return this.#requests.length;
  }

  /** How many requests were answered otherwise than they should, ever. */
  get wrongCount(): number {
    return this.#wrongCount;
  }

  /** The first of them. */
  get wrong(): readonly WrongReply[] {
    return this.#wrong;
  }

  /** How many events were sent, ever. */
  get events(): number {
    return this.#number;
  }

  /** The index of the request whose turn it is. */
  next(): number {
    const index = this.#next;
    this.#next = index + 1 === this.#requests.length ? 0 : index + 1;
    return index;
  }

  /** A request's bytes, its events numbered anew. They are good until it is its turn again. */
  bytes(index: number): Buffer {
    const request = this.#requests[index] as LoadRequest;
    if (request.numbersAt.length > 0) {
      stamp(request, this.#number, this.#stamps.now());
      this.#number += request.numbersAt.length;
    }
    return request.bytes;
  }

  /** From now on the request must be answered so. */
  learn(index: number, status: number, body: Buffer): void {
    if (status !== 200) this.#note(index, status, body);
    this.#expected[this.#place(index)] = Buffer.from(body);
  }

  check(index: number, status: number, body: Buffer): void {
    const expected = this.#expected[this.#place(index)];
    if (status !== 200 || !expected?.equals(body)) this.#note(index, status, body);
  }

  #place(index: number): number {
    return this.#requests[index]?.numbersAt.length === 0 ? index : 0;
  }

  #note(index: number, status: number, body: Buffer): void {
    this.#wrongCount += 1;
    if (this.#wrong.length < keptWrong) this.#wrong.push({ index, status, body: body.toString('utf8', 0, 1_000) });
  }
}

/** Writes the present moment, once a millisecond. */
export class Stamps {
  #at = 0;
  #text = '';

  now(): string {
    const now = Date.now();
    if (now !== this.#at) {
      this.#at = now;
      this.#text = new Date(now).toISOString();
    }
    return this.#text;
  }
}
