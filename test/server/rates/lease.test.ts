import { randomUUID } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import type { Redis } from 'iovalkey';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { bucketLibrary } from '../../../src/server/rates/bucket-library.ts';
import { Lease } from '../../../src/server/rates/lease.ts';
import { LocalBucket } from '../../../src/server/rates/local-bucket.ts';
import { burstSeconds, leaseMs, rateOf } from '../../../src/server/rates/rate.ts';
import { bucketName, SharedBuckets } from '../../../src/server/rates/shared-buckets.ts';
import { connect, FunctionCaller, SingleServer } from '../../../src/valkey/index.ts';
import { newKeyPrefix } from '../../support/api.ts';
import { holdsFor, patienceMs } from '../../support/property.ts';
import { singleAddress } from '../../support/single-address.ts';

let valkey: Redis;
const keyPrefix = newKeyPrefix();

beforeAll(() => {
  valkey = connect(singleAddress(inject('valkeyUrl')));
});
afterAll(() => valkey?.disconnect());

/** What asks the store, and counts how often. */
class Asked {
  calls = 0;

  functions = (code: string) => {
    const caller = new FunctionCaller(new SingleServer(valkey), code);
    return {
      call: (...given: Parameters<FunctionCaller['call']>) => {
        this.calls += 1;
        return caller.call(...given);
      },
    };
  };
}

/** A client's lease in a process of its own, as far as the store knows. */
function leaseOf(bucket: string, perSecond: number, asked = new Asked()) {
  const buckets = new SharedBuckets({ functions: asked.functions, keyPrefix }, (error) => {
    throw error;
  });
  return new Lease({ buckets, bucket, rate: rateOf(perSecond), onLocal: () => {} });
}

async function storeMs(): Promise<number> {
  const [seconds, micros] = (await valkey.time()).map(Number) as [number, number];
  return seconds * 1_000 + micros / 1_000;
}

const fresh = () => bucketName('test', randomUUID());

describe('a lease', () => {
  it('lets through what was not used, and then tells when there is more', async () => {
    const lease = leaseOf(fresh(), 10);
    for (let n = 0; n < 20; n++) expect(await lease.take(1)).toBe(0);
    const waitMs = await lease.take(1);
    expect(waitMs).toBeGreaterThan(0);
    expect(waitMs).toBeLessThanOrEqual(100);
    await new Promise((resolve) => setTimeout(resolve, waitMs + 20));
    expect(await lease.take(1)).toBe(0);
  });

  it('knows by itself that there is nothing, and asks the store no more', async () => {
    const asked = new Asked();
    const lease = leaseOf(fresh(), 10, asked);
    while ((await lease.take(1)) === 0);
    const { calls } = asked;
    for (let n = 0; n < 1_000; n++) expect(await lease.take(1)).toBeGreaterThan(0);
    expect(asked.calls).toBeLessThanOrEqual(calls + 3);
  });

  it('takes ahead for a client that asks much, a little at a time', async () => {
    const asked = new Asked();
    const lease = leaseOf(fresh(), 10_000, asked);
    for (let n = 0; n < 5_000; n++) expect(await lease.take(1)).toBe(0);
    // Eight to double the first one to a twentieth of a second's worth, and ten of those, or again after a pause.
    expect(asked.calls).toBeLessThan(100);
    expect(asked.calls).toBeGreaterThan(10);
  });

  it('forgets what it took ahead when its time is over', async () => {
    const asked = new Asked();
    const lease = leaseOf(fresh(), 10_000, asked);
    for (let calls = 0; calls < 6; calls = asked.calls) expect(await lease.take(1)).toBe(0);
    const { calls } = asked;
    // There are some left.
    expect(lease.take(1)).toBe(0);
    await new Promise((resolve) => setTimeout(resolve, leaseMs));
    expect(await lease.take(1)).toBe(0);
    expect(asked.calls).toBe(calls + 1);
  });

  it('takes next to nothing ahead for one that asks little', async () => {
    const bucket = fresh();
    // As of many processes, each of which is asked once.
    for (let n = 0; n < 20; n++) expect(await leaseOf(bucket, 10).take(1)).toBe(0);
    expect(await leaseOf(bucket, 10).take(1)).toBeGreaterThan(0);
  });

  it('serves those who wait in their order, as far as there is enough', async () => {
    const lease = leaseOf(fresh(), 10);
    const waits = await Promise.all([5, 10, 4, 3, 1].map((tokens) => lease.take(tokens)));
    expect(waits.map((ms) => ms === 0)).toEqual([true, true, true, false, true]);
    expect(waits[3]).toBeLessThanOrEqual(200 + 1);
  });

  it('never has more than its bucket holds', () => {
    expect(leaseOf(fresh(), 10).take(21)).toBe(Number.POSITIVE_INFINITY);
  });

  it('is one bucket for all processes, and is gone when it is full again', async () => {
    const bucket = fresh();
    expect(await leaseOf(bucket, 10).take(20)).toBe(0);
    expect(await leaseOf(bucket, 10).take(1)).toBeGreaterThan(0);
    const left = await valkey.pttl(`${keyPrefix}:rate:${bucket}`);
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(2_000);
  });

  it('locks nobody out whose bucket is of a clock that was set back', async () => {
    const bucket = fresh();
    const far = (await storeMs()) * 1_000 + 3_600_000_000;
    await valkey.set(`${keyPrefix}:rate:${bucket}`, String(far), 'PX', 60_000);
    const waitMs = await leaseOf(bucket, 1_000).take(1);
    expect(waitMs).toBeGreaterThan(0);
    expect(waitMs).toBeLessThanOrEqual(10);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await leaseOf(bucket, 1_000).take(1)).toBe(0);
  });
});

describe('the name of a bucket', () => {
  it('has the client for its hash tag, whatever it is called', () => {
    expect(['10.0.0.1', 'a{b}c', '%7B', '}{'].map((client) => bucketName('cost', client))).toEqual([
      'cost:{10.0.0.1}',
      'cost:{a%7Bb%7Dc}',
      'cost:{%257B}',
      'cost:{%7D%7B}',
    ]);
  });
});

it('a bucket of a process alone lets through a burst, and then the rate', () => {
  const bucket = new LocalBucket(rateOf(10));
  for (let n = 0; n < 10 * burstSeconds; n++) expect(bucket.take(1, 5_000)).toBe(0);
  expect(bucket.take(1, 5_000)).toBeCloseTo(100);
  expect(bucket.take(1, 5_100)).toBe(0);
  expect(bucket.take(1, 5_100)).toBeCloseTo(100);
  expect(bucket.take(2, 5_250)).toBeCloseTo(50);
});

/** What one process is to do: so many requests after so many milliseconds. */
interface Step {
  readonly afterMs: number;
  readonly tokens: number;
}

/** Plays steps in a thread of its own, with a connection of its own. @returns when each was let through, by the store's clock, in ms. */
function play(bucket: string, perSecond: number, steps: readonly Step[]): Promise<{ at: number; tokens: number }[]> {
  const workerData = { url: inject('valkeyUrl'), keyPrefix, bucket, perSecond, steps };
  const worker = new Worker(new URL('./limiter-process.ts', import.meta.url), { workerData });
  return new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
}

describe('whatever several processes are asked', () => {
  const step = fc.record({ afterMs: fc.constantFrom(0, 0, 0, 1, 5, 20, 100), tokens: fc.integer({ min: 1, max: 12 }) });
  const scripts = fc.record({
    perSecond: fc.constantFrom(7, 50, 200, 1_000),
    scripts: fc.array(fc.array(step, { minLength: 20, maxLength: 120, size: 'max' }), { minLength: 2, maxLength: 4 }),
  });

  it(
    'no stretch of time sees more than the rate and a burst',
    async () => {
      await holdsFor(fc.noShrink(scripts), 6, async ({ perSecond, scripts }) => {
        const bucket = fresh();
        const heard = (await Promise.all(scripts.map((steps) => play(bucket, perSecond, steps)))).flat();
        const through = heard.toSorted((one, other) => one.at - other.at);
        expect(through.length).toBeGreaterThan(0);
        let most = Number.NEGATIVE_INFINITY;
        // Of all stretches that begin and end with something that was let through: how far it is beyond the rate.
        let used = 0;
        let least = Number.POSITIVE_INFINITY;
        for (const { at, tokens } of through) {
          least = Math.min(least, used - (perSecond * at) / 1_000);
          used += tokens;
          most = Math.max(most, used - (perSecond * at) / 1_000 - least);
        }
        expect(most).toBeLessThanOrEqual(perSecond * burstSeconds + 1e-6);
      });
    },
    patienceMs,
  );
});

it('the library is loaded once, and its function is there under its own name', async () => {
  const functions = new FunctionCaller(new SingleServer(valkey), bucketLibrary.code);
  await functions.load();
  await functions.load();
  const reply = await functions.call({ name: bucketLibrary.take, keys: [fresh()], args: ['1000', '10000', '1', '99'] });
  expect(String(reply)).toBe('10 10000');
});
