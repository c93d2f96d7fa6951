import { randomUUID } from 'node:crypto';
import calculateSlot from 'cluster-key-slot';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { newKeyPrefix, startApi, type TestApi } from '../../support/api.ts';
import { CountsOf } from '../../support/counts-of.ts';
import { InsistentLoad } from '../../support/insistent-load.ts';
import type { ServerProcess } from '../../support/server-process.ts';
import { until } from '../../support/until.ts';
import { ValkeyCluster } from '../../support/valkey-cluster.ts';

let cluster: ValkeyCluster;
/** Where it is watched, and read. */
let api: TestApi;
/** Where it is recorded: what that one does, the other hears of from Valkey alone. */
let recorder: TestApi;
let counts: CountsOf;

beforeAll(async () => {
  // As whoever relies on replicas has it: a primary that came back empty would empty them.
  cluster = await ValkeyCluster.start({ appendonly: 'yes' });
  const keyPrefix = newKeyPrefix();
  api = await startApi({ valkeyUrl: cluster.url, keyPrefix });
  recorder = await startApi({ valkeyUrl: cluster.url, keyPrefix, acknowledge: { kind: 'replica', replicas: 1 } });
}, 60_000);

beforeEach(() => {
  counts = CountsOf.some(randomUUID().slice(0, 8));
});

afterAll(async () => {
  await recorder?.stop();
  await api?.stop();
  await cluster?.destroy();
});

describe('a cluster under load', () => {
  it('loses and doubles nothing when a primary dies', async () => {
    const watching = counts.watch(api);
    const load = new InsistentLoad({ ...counts, api: () => recorder });
    await until(() => load.acknowledged > 500);
    const [witness, victim] = cluster.nodes as [ServerProcess, ServerProcess];
    const begun = performance.now();
    await victim.kill();
    await until(async () => !(await cluster.primaries(witness)).includes(victim), 30_000);
    const promotedMs = Math.round(performance.now() - begun);
    await victim.start(); // as a replica: without one, nothing can be acknowledged
    await cluster.whenWell();
    const before = load.acknowledged;
    await until(() => load.acknowledged > before + 500, 60_000);
    await load.end();
    await counts.expectThere(api, load);
    load.tell('a primary of a cluster died', { promotedMs, healedMs: await watching.healed(load) });
    await watching.close();
    // Nobody goes on speaking to what is a primary no more.
    const speaking = async () =>
      /name=freshet(-(writer|reader|subscriber))? /.test(String(await victim.admin.client('LIST')));
    await until(async () => !(await speaking()));
  }, 120_000);

  it('loses and doubles nothing while slots are moved', async () => {
    const watching = counts.watch(api);
    const load = new InsistentLoad({ ...counts, api: () => recorder, width: 16, eventsABatch: 40 });
    const { users, merchants } = counts;
    // So many that logs are compacted, and have tables of ids and of last-seen values beside them.
    await until(() => load.acknowledged > 200 * users.length, 60_000);
    load.eventsABatch = 2;
    const slots = new Set([...users, ...merchants].map((id) => calculateSlot(`{${id}}`)));
    const [witness] = cluster.nodes as [ServerProcess];
    const [, target] = (await cluster.primaries(witness)) as [ServerProcess, ServerProcess];
    let moved = 0;
    for (const slot of slots) {
      const source = (await cluster.ownerOf(slot, target)) as ServerProcess;
      if (source === target) continue;
      await cluster.beginMove(slot, source, target);
      // An operator's tools may be slow: some of an entity's keys are on one side, some on the other, while it is asked for.
      await cluster.moveKeys(slot, source, target, 1, 1 + (moved % 3));
      const half = load.acknowledged;
      await until(() => load.acknowledged > half + 40);
      await cluster.moveKeys(slot, source, target);
      await cluster.endMove(slot, source, target);
      moved += 1;
    }
    expect(moved).toBeGreaterThan(5);
    const before = load.acknowledged;
    await until(() => load.acknowledged > before + 500, 60_000);
    await load.end();
    await counts.expectThere(api, load);
    load.tell('slots of a cluster were moved', { moved, healedMs: await watching.healed(load) });
    await watching.close();
  }, 120_000);
});
