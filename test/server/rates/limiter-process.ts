import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { Lease } from '../../../src/server/rates/lease.ts';
import { rateOf } from '../../../src/server/rates/rate.ts';
import { SharedBuckets } from '../../../src/server/rates/shared-buckets.ts';
import { connect, FunctionCaller, SingleServer } from '../../../src/valkey/index.ts';
import { singleAddress } from '../../support/single-address.ts';

// Plays the part of a process that limits one client, and tells when each of its requests was let through.
const { url, keyPrefix, bucket, perSecond, steps } = workerData as {
  readonly url: string;
  readonly keyPrefix: string;
  readonly bucket: string;
  readonly perSecond: number;
  readonly steps: readonly { readonly afterMs: number; readonly tokens: number }[];
};

const valkey = connect(singleAddress(url));
await valkey.ping();
/** How far the store's clock is ahead of ours: its earliest and latest, by many samples. */
let aheadMs = Number.NEGATIVE_INFINITY;
for (let n = 0; n < 20; n++) {
  const [seconds, micros] = (await valkey.time()).map(Number) as [number, number];
  // What was read before it was received: never too late.
  aheadMs = Math.max(aheadMs, seconds * 1_000 + micros / 1_000 - performance.now());
}
const buckets = new SharedBuckets(
  { functions: (code) => new FunctionCaller(new SingleServer(valkey), code), keyPrefix },
  (error) => {
    throw error;
  },
);
const lease = new Lease({ buckets, bucket, rate: rateOf(perSecond), onLocal: () => {} });
const through: { at: number; tokens: number }[] = [];
const asked: Promise<void>[] = [];
for (const { afterMs, tokens } of steps) {
  if (afterMs > 0) await sleep(afterMs);
  const answer = async () => {
    if ((await lease.take(tokens)) === 0) through.push({ at: performance.now() + aheadMs, tokens });
  };
  asked.push(answer());
}
await Promise.all(asked);
parentPort?.postMessage(through);
valkey.disconnect();
