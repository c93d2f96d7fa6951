import type { Redis } from 'iovalkey';
import { activity } from '../../schema/merchant.ts';
import { riskProfile } from '../../schema/user.ts';
import type { View } from '../../src/define/index.ts';
import { Engine } from '../../src/engine/index.ts';
import { Random, type Transaction } from '../../src/simulate/index.ts';
import { SingleServer } from '../../src/valkey/index.ts';
import { PlainPatterns } from '../contenders/plain-patterns.ts';
import { Deadline } from '../deadline.ts';
import type { BenchServer } from '../server.ts';
import { keysUnder } from '../server.ts';
import { drawPast } from '../simulate/payments.ts';
import { event, type Subject, subjects } from '../subject.ts';

const pastEvents = 200_000;
const dayMs = 86_400_000;
const hourMs = 3_600_000;
const patienceSeconds = 300;

export const userSubject = subjects.find(({ name }) => name === 'user') as Subject;

/**
 * What had happened before anything is measured: a month, some tens of events a user. It is recorded once a kind of store, and
 * copied to each contender, so that all begin alike.
 */
export class Past {
  readonly events: readonly Transaction[];
  readonly #server: BenchServer;
  readonly #prefixes = { user: '', both: '', plain: '' };

  private constructor(server: BenchServer, seed: number) {
    this.#server = server;
    const now = Date.now();
    this.events = drawPast(new Random(seed), pastEvents, now - 29 * dayMs, now - hourMs);
  }

  static async record(server: BenchServer, seed: number): Promise<Past> {
    const past = new Past(server, seed);
    const { valkey } = server;
    past.#prefixes.user = server.prefix();
    await recordView(valkey, past.#prefixes.user, riskProfile, past.events);
    past.#prefixes.both = await past.copy('user');
    await recordView(valkey, past.#prefixes.both, activity, past.events);
    past.#prefixes.plain = server.prefix();
    await new PlainPatterns(valkey, past.#prefixes.plain, userSubject).load(past.events, new Deadline(patienceSeconds));
    return past;
  }

  /** Copies what is stored under a prefix of a kind to a new one. */
  async copy(kind: 'user' | 'both' | 'plain'): Promise<string> {
    const { valkey } = this.#server;
    const [from, to] = [this.#prefixes[kind], this.#server.prefix()];
    const keys = await keysUnder(valkey, `${from}:*`);
    for (let at = 0; at < keys.length; at += 1_000) {
      const pipeline = valkey.pipeline();
      for (const key of keys.slice(at, at + 1_000)) pipeline.copy(key, `${to}${key.slice(from.length)}`);
      await pipeline.exec();
    }
    return to;
  }
}

/** Entity by entity, each in order of time, so that a batch has many events of few. */
async function recordView(valkey: Redis, keyPrefix: string, view: View, events: readonly Transaction[]): Promise<void> {
  const engine = await Engine.open({ servers: new SingleServer(valkey), views: [view], keyPrefix, clock: 'wall' });
  const ordered = [...Map.groupBy(events, (one) => one[view.by as 'userId' | 'merchantId']).values()].flat();
  for (let at = 0; at < ordered.length; at += 1_000) {
    const outcomes = await engine.record(event, ordered.slice(at, at + 1_000));
    const refused = outcomes.find(({ status }) => status !== 'RECORDED');
    if (refused) throw new Error(`an event was not recorded: ${refused.status}, ${refused.reason}`);
  }
}
