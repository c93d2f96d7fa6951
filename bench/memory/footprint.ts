import type { Redis } from 'iovalkey';
import { EngineContender } from '../contenders/engine.ts';
import { PlainPatterns } from '../contenders/plain-patterns.ts';
import type { Deadline } from '../deadline.ts';
import { type BenchServer, keysUnder } from '../server.ts';
import { type History, transactionsOf } from '../simulate/history.ts';
import { loadExtremes } from './extremes.ts';

/** How many bytes an entity takes in Valkey: of the engine its log and all its keys, of the plain layout all its keys. */
export interface Footprint {
  readonly logBytes: number;
  readonly engineBytes: number;
  readonly plainBytes: number;
}

/** Events are turned into transactions this many at a time, so that a million of them need not be at once. */
const stretch = 20_000;

/**
 * Lets both take in all that happened to one entity, and asks what it takes.
 * @throws OutOfTimeError
 */
export async function footprint(server: BenchServer, history: History, deadline: Deadline): Promise<Footprint> {
  const { valkey } = server;
  const { subject, id, times } = history;
  const [enginePrefix, plainPrefix] = [server.prefix(), server.prefix()];
  const engine = await EngineContender.open(valkey, enginePrefix, subject);
  const plain = new PlainPatterns(valkey, plainPrefix, subject);
  for (let at = 0; at < times.length; at += stretch) {
    const transactions = transactionsOf(history, at, Math.min(times.length, at + stretch));
    await engine.load(transactions, deadline);
    await plain.load(transactions, deadline);
    await loadExtremes(valkey, plainPrefix, id, transactions);
  }
  return {
    logBytes: await bytesOf(valkey, [engine.engine.keys.log(subject.view, id)]),
    engineBytes: await bytesOf(valkey, await keysUnder(valkey, `${enginePrefix}:*{${id}}*`)),
    plainBytes: await bytesOf(valkey, await keysUnder(valkey, `${plainPrefix}:*:${id}`)),
  };
}

/** What these keys take, their names and all their elements included. */
async function bytesOf(valkey: Redis, keys: readonly string[]): Promise<number> {
  let sum = 0;
  for (const key of keys) sum += (await valkey.memory('USAGE', key, 'SAMPLES', 0)) ?? 0;
  return sum;
}
