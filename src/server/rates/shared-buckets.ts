import { type FunctionCaller, inTime } from '../../valkey/index.ts';
import { bucketLibrary } from './bucket-library.ts';
import type { Rate } from './rate.ts';

/** Where buckets are kept. */
export interface BucketStore {
  /** Calls the functions of a library, which is loaded where it is not known. */
  readonly functions: (code: string) => Pick<FunctionCaller, 'call'>;
  readonly keyPrefix: string;
}

/** What the store has given. */
export interface Given {
  readonly tokens: number;
  /** In how many milliseconds the bucket is full again. */
  readonly fullInMs: number;
}

/** Whoever waits for leave has not been served yet: longer than this nobody does. */
const patienceMs = 250;
/** So long the store is not asked again when it could not be. */
const asideMs = 1_000;

/** The buckets in Valkey, which all processes share. */
export class SharedBuckets {
  readonly #functions: Pick<FunctionCaller, 'call'>;
  readonly #keyPrefix: string;
  readonly #onAway: (error: unknown) => void;
  /** By `performance.now()`. */
  #asideUntil = 0;

  /** @param onAway told when the store cannot be asked, once for each time that it is then left aside. */
  constructor({ functions, keyPrefix }: BucketStore, onAway: (error: unknown) => void) {
    this.#functions = functions(bucketLibrary.code);
    this.#keyPrefix = keyPrefix;
    this.#onAway = onAway;
  }

  /** Takes tokens out of a client's bucket, at least and at most so many, or none. Null: the store cannot be asked. Never rejects. */
  async take(bucket: string, { intervalMicros, held }: Rate, least: number, most: number): Promise<Given | null> {
    if (performance.now() < this.#asideUntil) return null;
    const keys = [`${this.#keyPrefix}:rate:${bucket}`];
    const args = [intervalMicros, held * intervalMicros, least, most].map(String);
    try {
      const reply = await inTime(patienceMs, this.#functions.call({ name: bucketLibrary.take, keys, args }));
      const [tokens, micros] = reply.toString('latin1').split(' ').map(Number);
      return { tokens: tokens as number, fullInMs: (micros as number) / 1_000 };
    } catch (error) {
      // Of many that wait, the first one says so.
      if (performance.now() >= this.#asideUntil) this.#onAway(error);
      this.#asideUntil = performance.now() + asideMs;
      return null;
    }
  }
}

/** The name of a client's bucket: its hash tag is the client, whose name may be anything. */
export function bucketName(kind: string, client: string): string {
  return `${kind}:{${client.replace(/[%{}]/g, (sign) => encodeURIComponent(sign))}}`;
}
