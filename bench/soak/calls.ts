import type { Redis } from 'iovalkey';

/** A call of one of the engine's functions, or a command of one of its transactions, that took long. */
export interface SlowCall {
  readonly us: number;
  /** The first key it was given. */
  readonly key: string;
}

/** What Valkey says of calls since it was last asked: of functions, and of transactions, each as a whole. */
export interface Calls {
  readonly count: number;
  readonly totalUs: number;
  /**
   * What Valkey's main thread computed meanwhile, for other commands too. Far less than `totalUs` says that others had the
   * processor while calls waited for it: how long these took is then not of their own making.
   */
  readonly processorUs: number;
  readonly slow: readonly SlowCall[];
}

/** Below which share of the calls how many microseconds lie, by the name that Valkey gives it: p50, p99.9. */
export type Quantiles = ReadonlyMap<string, number>;

const settings = (slowMs: number): { readonly [name: string]: string } => ({
  'slowlog-log-slower-than': String(1_000 * slowMs),
  'slowlog-max-len': '100000', // more than there are calls between two looks
  'latency-tracking': 'yes',
  'latency-tracking-info-percentiles': '50 90 99 99.9 100',
});

/**
 * Watches the calls of functions and transactions from the server's own records: SLOWLOG, which has what a transaction
 * calls and not the whole of it, INFO commandstats, and the histograms behind INFO latencystats. They begin anew, and
 * nobody else may use the server meanwhile.
 */
export class CallWatch {
  readonly #valkey: Redis;
  readonly #before: ReadonlyMap<string, string>;
  #counters: Counters;

  private constructor(valkey: Redis, before: ReadonlyMap<string, string>, counters: Counters) {
    this.#valkey = valkey;
    this.#before = before;
    this.#counters = counters;
  }

  /** @param slowMs a call of so long or longer is slow. */
  static async begin(valkey: Redis, slowMs: number): Promise<CallWatch> {
    const before = new Map<string, string>();
    for (const [name, value] of Object.entries(settings(slowMs))) {
      const [, old = ''] = (await valkey.config('GET', name)) as string[];
      before.set(name, old);
      await valkey.config('SET', name, value);
    }
    await valkey.config('RESETSTAT');
    await valkey.slowlog('RESET');
    return new CallWatch(valkey, before, await readCounters(valkey));
  }

  /** What came since the last look. */
  async look(): Promise<Calls> {
    const entries = (await this.#valkey.slowlog('GET', -1)) as [unknown, unknown, us: number, words: string[]][];
    await this.#valkey.slowlog('RESET');
    const [before, now] = [this.#counters, await readCounters(this.#valkey)];
    this.#counters = now;
    const slow = entries.filter(([, , , [command = '']]) => !others.has(command.toLowerCase()));
    return {
      count: now.count - before.count,
      totalUs: now.totalUs - before.totalUs,
      processorUs: now.processorUs - before.processorUs,
      slow: slow.map(([, , us, [command = '', ...words]]) => ({
        us,
        key: words[command.toLowerCase() === 'fcall' ? 2 : 0] ?? '',
      })),
    };
  }

  /** Of all calls of one kind since the beginning; empty if there were none. */
  async quantiles(command: 'fcall' | 'exec'): Promise<Quantiles> {
    const lines = await this.#valkey.info('latencystats');
    const line = new RegExp(`^latency_percentiles_usec_${command}:(.*)$`, 'm').exec(lines)?.[1] ?? '';
    return new Map([...line.matchAll(/(p[\d.]+)=([\d.]+)/g)].map(([, name = '', us]) => [name, Number(us)]));
  }

  /** Gives the server its settings back. */
  async end(): Promise<void> {
    for (const [name, value] of this.#before) await this.#valkey.config('SET', name, value);
  }
}

/** What is called to look, and not by the engine. */
const others: ReadonlySet<string> = new Set(['memory', 'info', 'slowlog', 'config', 'scan', 'client']);

type Counters = Omit<Calls, 'slow'>;

async function readCounters(valkey: Redis): Promise<Counters> {
  const text = `${await valkey.info('commandstats')}\n${await valkey.info('cpu')}`;
  const calls = [...text.matchAll(/^cmdstat_(?:fcall|exec):calls=(\d+),usec=(\d+)/gm)];
  const sumOf = (place: 1 | 2) => calls.reduce((sum, call) => sum + Number(call[place]), 0);
  const processorSeconds = [...text.matchAll(/^used_cpu_(?:user|sys)_main_thread:([\d.]+)/gm)];
  return {
    count: sumOf(1),
    totalUs: sumOf(2),
    processorUs: processorSeconds.reduce((sum, [, seconds]) => sum + 1e6 * Number(seconds), 0),
  };
}
