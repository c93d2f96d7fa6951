import type { Redis } from 'iovalkey';
import type { Milliseconds } from '../../src/define/index.ts';
import type { Transaction } from '../../src/simulate/index.ts';
import type { Deadline } from '../deadline.ts';
import type { Subject } from '../subject.ts';
import type { Contender } from './contender.ts';

type Command = readonly (string | number)[];

const hourMs = 3_600_000;
const daySeconds = 86_400;

/**
 * The well-known patterns: events in a window by a sorted set, a running average by two counters, unique values by a
 * HyperLogLog, and a hash into which their answers are copied: 17 commands an event, each pattern in a MULTI, all of a
 * batch in one pipeline and the copies in a second, since they need the answers of the first. The sorted set holds the
 * longest window of the view. The caller's clock is the time of the newest event.
 */
export class PlainPatterns implements Contender {
  readonly name = 'plain';
  readonly sends = ['multi', 'exec'];
  readonly #valkey: Redis;
  readonly #prefix: string;
  readonly #subject: Subject;
  readonly #clocks = new Map<string, Milliseconds>();

  constructor(valkey: Redis, prefix: string, subject: Subject) {
    this.#valkey = valkey;
    this.#prefix = prefix;
    this.#subject = subject;
  }

  async record(transactions: readonly Transaction[]): Promise<void> {
    const happened = transactions.map((transaction) => ({ transaction, now: this.#advance(transaction) }));
    const answers = await this.#pipeline(
      happened.flatMap(({ transaction, now }) => [
        ...this.#update(transaction, now),
        this.#ask(this.#id(transaction), now),
      ]),
    );
    // Four transactions an event, of which the last asks.
    const copies = happened.map(({ transaction, now }, i) =>
      this.#materialise(this.#id(transaction), now, answers[4 * i + 3] as unknown as Answers),
    );
    await this.#pipeline(copies);
  }

  /** Leaves what recording one by one would have left, with a few large commands an entity. */
  async load(transactions: readonly Transaction[], deadline: Deadline): Promise<void> {
    for (const [id, own] of Map.groupBy(transactions, (transaction) => this.#id(transaction))) {
      for (const part of parts(own)) {
        deadline.check();
        const now = part.map((transaction) => this.#advance(transaction)).at(-1) ?? 0;
        await this.#pipeline([this.#bulk(id, part), this.#trim(id, now)]);
      }
      const now = this.#clocks.get(id) ?? 0;
      const [answers] = await this.#pipeline([this.#ask(id, now)]);
      await this.#pipeline([this.#materialise(id, now, answers as unknown as Answers)]);
    }
  }

  /** The keys that hold what is known of an entity. */
  keys(id: string): PlainKeys {
    const aggregate = (name: string) => `${this.#prefix}:agg:${name}:${id}`;
    return {
      events: aggregate('txn_count'),
      sum: aggregate('txn_sum'),
      total: aggregate('txn_count_total'),
      unique: aggregate(`unique_${this.#subject.partners}`),
      hash: `${this.#prefix}:v1:${this.#subject.view.name}:${id}`,
    };
  }

  #id(transaction: Transaction): string {
    return transaction[this.#subject.view.by as 'userId' | 'merchantId'];
  }

  #partner(transaction: Transaction): string {
    return this.#subject.name === 'user' ? transaction.merchantId : transaction.userId;
  }

  #advance(transaction: Transaction): Milliseconds {
    const id = this.#id(transaction);
    const now = Math.max(transaction.occurredAt, this.#clocks.get(id) ?? 0);
    this.#clocks.set(id, now);
    return now;
  }

  #update(transaction: Transaction, now: Milliseconds): Command[][] {
    const id = this.#id(transaction);
    const { events, sum, total, unique } = this.keys(id);
    return [
      [['zadd', events, now, crypto.randomUUID()], ...this.#trim(id, now)],
      [
        ['incrbyfloat', sum, transaction.amount],
        ['incr', total],
        ['expire', sum, daySeconds],
        ['expire', total, daySeconds],
      ],
      [
        ['pfadd', unique, this.#partner(transaction)],
        ['pfcount', unique],
        ['expire', unique, daySeconds],
      ],
    ];
  }

  #trim(id: string, now: Milliseconds): Command[] {
    const { events } = this.keys(id);
    const { spanMs } = this.#subject;
    return [
      ['zremrangebyscore', events, '-inf', now - spanMs],
      ['zcard', events],
      ['expire', events, (2 * spanMs) / 1_000],
    ];
  }

  #bulk(id: string, own: readonly Transaction[]): Command[] {
    const { events, sum, total, unique } = this.keys(id);
    return [
      ['zadd', events, ...own.flatMap(({ occurredAt }) => [occurredAt, crypto.randomUUID()])],
      ['incrbyfloat', sum, own.reduce((all, { amount }) => all + amount, 0)],
      ['incrby', total, own.length],
      ['pfadd', unique, ...own.map((transaction) => this.#partner(transaction))],
      ['expire', sum, daySeconds],
      ['expire', total, daySeconds],
      ['expire', unique, daySeconds],
    ];
  }

  #ask(id: string, now: Milliseconds): Command[] {
    const { events, sum, total, unique } = this.keys(id);
    return [
      ['zcount', events, now - hourMs, now],
      ['get', sum],
      ['get', total],
      ['pfcount', unique],
    ];
  }

  #materialise(id: string, now: Milliseconds, [count, sum, total, unique]: Answers): Command[] {
    const { hash } = this.keys(id);
    const fields = {
      txn_count_1h: count,
      avg_txn_amount: Number(sum) / Number(total),
      [`unique_${this.#subject.partners}_24h`]: unique,
      _updated_at: Math.floor(now / 1_000),
    };
    return [
      ['hset', hash, ...Object.entries(fields).flat()],
      ['expire', hash, daySeconds],
    ];
  }

  /** Sends transactions in one pipeline; what each of their commands answered. */
  async #pipeline(transactions: readonly (readonly Command[])[]): Promise<unknown[][]> {
    const commands = transactions.flatMap((transaction) => [['multi'], ...transaction, ['exec']]);
    const replies = (await this.#valkey.pipeline(commands as string[][]).exec()) ?? [];
    const failed = replies.find(([error]) => error);
    if (failed) throw failed[0];
    return replies.filter((_, i) => commands[i]?.[0] === 'exec').map(([, answers]) => answers as unknown[]);
  }
}

/** The keys of one entity. */
export interface PlainKeys {
  readonly events: string;
  readonly sum: string;
  readonly total: string;
  readonly unique: string;
  readonly hash: string;
}

/** What the four reads of the last pattern say: counts, and a sum as text. */
type Answers = readonly [count: number, sum: string, total: string, unique: number];

/** As many arguments as a command takes at ease. */
function* parts(transactions: readonly Transaction[]): Generator<readonly Transaction[]> {
  for (let at = 0; at < transactions.length; at += 1_000) yield transactions.slice(at, at + 1_000);
}
