import type { Redis } from 'iovalkey';
import { keysUnder } from '../server.ts';
import type { History } from '../simulate/history.ts';
import type { CallWatch } from './calls.ts';
import type { Stage } from './stages.ts';

const stages = 10;
const looksAStage = 4;

/** Looks at Valkey every fortieth of the way, and sums up every tenth. */
export class Observer {
  readonly stages: Stage[] = [];
  readonly #valkey: Redis;
  readonly #ownKeys: string;
  readonly #events: number;
  readonly #watch: CallWatch;
  #looks = 0;
  #mostBytes = 0;
  #begunAt = performance.now();

  constructor(valkey: Redis, prefix: string, { id, times }: History, watch: CallWatch) {
    this.#valkey = valkey;
    this.#ownKeys = `${prefix}:*{${id}}*`;
    this.#events = times.length;
    this.#watch = watch;
  }

  /** Told after each batch how many events were answered so far. */
  async look(answered: number): Promise<void> {
    const due = Math.floor((answered / this.#events) * stages * looksAStage);
    if (due <= this.#looks) return;
    this.#looks = due;
    this.#mostBytes = Math.max(this.#mostBytes, await this.#ownBytes());
    if (due >= (this.stages.length + 1) * looksAStage) await this.#endStage(answered);
  }

  async #endStage(answered: number): Promise<void> {
    const [, usedMemory] = /^used_memory:(\d+)/m.exec(await this.#valkey.info('memory')) ?? [];
    const now = performance.now();
    this.stages.push({
      events: answered,
      seconds: (now - this.#begunAt) / 1_000,
      calls: await this.#watch.look(),
      merchantBytes: this.#mostBytes,
      usedMemoryBytes: Number(usedMemory),
    });
    this.#begunAt = now;
    this.#mostBytes = 0;
  }

  async #ownBytes(): Promise<number> {
    let sum = 0;
    for (const key of await keysUnder(this.#valkey, this.#ownKeys)) {
      sum += (await this.#valkey.memory('USAGE', key, 'SAMPLES', 0)) ?? 0;
    }
    return sum;
  }
}
