import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { newKeyPrefix, startApi, type TestApi } from '../../support/api.ts';
import { CountsOf } from '../../support/counts-of.ts';
import { InsistentLoad } from '../../support/insistent-load.ts';
import { until } from '../../support/until.ts';
import { SentinelGroup } from '../../support/valkey-sentinels.ts';

let group: SentinelGroup;
/** Where it is watched, and read. */
let api: TestApi;
/** Where it is recorded: what that one does, the other hears of from Valkey alone. */
let recorder: TestApi;

beforeAll(async () => {
  group = await SentinelGroup.start();
  const keyPrefix = newKeyPrefix();
  api = await startApi({ valkeyUrl: group.url, keyPrefix });
  recorder = await startApi({ valkeyUrl: group.url, keyPrefix, acknowledge: { kind: 'replica', replicas: 1 } });
}, 60_000);

afterAll(async () => {
  await recorder?.stop();
  await api?.stop();
  await group?.destroy();
});

describe('a primary behind sentinels, under load', () => {
  it.each(['dies', 'answers no more', 'is to be replaced'] as const)(
    'that %s loses and doubles nothing',
    async (what) => {
      const counts = CountsOf.some(randomUUID().slice(0, 8));
      const watching = counts.watch(api);
      const load = new InsistentLoad({ ...counts, api: () => recorder });
      await until(() => load.acknowledged > 500);
      const victim = await group.primary();
      const begun = performance.now();
      if (what === 'is to be replaced') await group.failOver();
      else if (what === 'dies') await victim.kill();
      else victim.freeze();
      await until(async () => (await group.primary()) !== victim, 30_000);
      const promotedMs = Math.round(performance.now() - begun);
      // It comes back as a replica: without one, nothing can be acknowledged.
      if (what === 'dies') await victim.start();
      else if (what === 'answers no more') victim.thaw();
      const before = load.acknowledged;
      await until(() => load.acknowledged > before + 500, 60_000);
      await load.end();
      await counts.expectThere(api, load);
      load.tell(`a primary behind sentinels ${what}`, { promotedMs, healedMs: await watching.healed(load) });
      await watching.close();
      // For the next one.
      await until(
        async () => /connected_slaves:1/.test(await (await group.primary()).admin.info('replication')),
        30_000,
      );
    },
    120_000,
  );
});
