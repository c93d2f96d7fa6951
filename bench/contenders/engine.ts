import type { Redis } from 'iovalkey';
import { Engine, type Vector } from '../../src/engine/index.ts';
import type { Transaction } from '../../src/simulate/index.ts';
import { SingleServer } from '../../src/valkey/index.ts';
import type { Deadline } from '../deadline.ts';
import { event, type Subject } from '../subject.ts';
import type { Contender } from './contender.ts';

/** The most events of a batch that the API takes; filling uses batches of this size. */
export const largestBatch = 1_000;

/** Freshet's engine with one view, under the event clock: each entity's newest event is its now. */
export class EngineContender implements Contender {
  readonly name = 'engine';
  /** What `FCALL` itself reads is counted once more: to its disadvantage. */
  readonly sends = ['fcall', 'exec', 'multi', 'watch', 'unwatch', 'getrange', 'time', 'exists', 'strlen'];
  readonly engine: Engine;
  readonly #subject: Subject;

  private constructor(engine: Engine, subject: Subject) {
    this.engine = engine;
    this.#subject = subject;
  }

  static async open(valkey: Redis, keyPrefix: string, subject: Subject): Promise<EngineContender> {
    const engine = await Engine.open({
      servers: new SingleServer(valkey),
      views: [subject.view],
      keyPrefix,
      clock: 'event',
    });
    return new EngineContender(engine, subject);
  }

  async load(transactions: readonly Transaction[], deadline: Deadline): Promise<void> {
    for (let at = 0; at < transactions.length; at += largestBatch) {
      deadline.check();
      await this.record(transactions.slice(at, at + largestBatch));
    }
  }

  /** Records the batch, and returns the vector of the last one's entity as it is after it. */
  async record(transactions: readonly Transaction[]): Promise<Vector> {
    const outcomes = await this.engine.record(event, transactions);
    const refused = outcomes.find(({ status }) => status !== 'RECORDED');
    if (refused) throw new Error(`an event was not recorded: ${refused.status}, ${refused.reason}`);
    return outcomes.at(-1)?.vectors.get(this.#subject.view) as Vector;
  }
}
