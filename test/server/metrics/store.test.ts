import { Redis } from 'iovalkey';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApi, type TestApi } from '../../support/api.ts';
import { Scrape } from '../../support/prometheus-text.ts';
import { ThrowawayValkey } from '../../support/throwaway-valkey.ts';
import { until } from '../../support/until.ts';

let valkey: ThrowawayValkey;
let api: TestApi;

beforeAll(async () => {
  valkey = await ThrowawayValkey.create();
  api = await startApi({ valkeyUrl: valkey.url }); // there is none yet
});

afterAll(async () => {
  await api?.stop();
  await valkey?.destroy();
});

const problems = (scrape: Scrape) =>
  (scrape.metrics.get('freshet_problem')?.samples ?? []).map(({ labels }) => labels.reason);

describe('the store', () => {
  it('that was never there is told as absent, and all else is told', async () => {
    const scrape = await Scrape.of(api.url);
    expect(scrape.sum('freshet_ready')).toBe(0);
    expect(problems(scrape)).toHaveLength(1);
    expect(scrape.has('freshet_valkey_answer_seconds')).toBe(false);
    expect(scrape.has('freshet_events_total')).toBe(true);
  });

  it('tells its version, memory and limits, by one look a scrape', async () => {
    await valkey.start();
    await until(async () => (await Scrape.of(api.url)).sum('freshet_ready') === 1);
    const redis = new Redis(valkey.url);
    await redis.config('SET', 'maxmemory', '512mb');
    const looks = async () => Number(/cmdstat_info:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1] ?? 0);
    const before = await looks();
    const scrape = await Scrape.of(api.url);
    expect((await looks()) - before).toBe(2); // our own, and one
    expect(problems(scrape)).toEqual([]);
    expect(scrape.sum('freshet_valkey_memory_limit_bytes')).toBe(512 * 1024 * 1024);
    expect(scrape.sum('freshet_valkey_memory_bytes')).toBeGreaterThan(500_000);
    expect(scrape.sum('freshet_valkey_clients')).toBeGreaterThan(1);
    expect(scrape.has('freshet_valkey_evicted_keys_total')).toBe(true);
    const version = /valkey_version:(\S+)/.exec(await redis.info('server'))?.[1] as string;
    expect(scrape.sum('freshet_valkey_info', { version, role: 'primary', eviction_policy: 'noeviction' })).toBe(1);
    redis.disconnect();
  });

  it('that hangs keeps nobody waiting who scrapes, and is named as what is in the way', async () => {
    valkey.freeze();
    try {
      const scrape = await Promise.race([
        Scrape.of(api.url),
        new Promise<null>((resolve) => setTimeout(() => resolve(null), 2_500)),
      ]);
      expect(scrape).not.toBeNull();
      expect(problems(scrape as Scrape)).toEqual(['Valkey did not answer in time']);
      expect((scrape as Scrape).has('freshet_valkey_memory_bytes')).toBe(false);
    } finally {
      valkey.thaw();
    }
    await until(async () => (await Scrape.of(api.url)).sum('freshet_ready') === 1);
  });

  it('that says something of its own is named by no text of its', async () => {
    const redis = new Redis(valkey.url);
    await redis.acl('SETUSER', 'default', '-info');
    try {
      expect(problems(await Scrape.of(api.url))).toEqual(['something else: see the log, or /readyz']);
    } finally {
      await redis.acl('SETUSER', 'default', '+info');
      redis.disconnect();
    }
  });
});
