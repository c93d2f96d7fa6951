import { randomUUID } from 'node:crypto';
import calculateSlot from 'cluster-key-slot';
import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { newKeyPrefix, startApi, type TestApi } from '../../support/api.ts';
import type { ServerProcess } from '../../support/server-process.ts';
import { until } from '../../support/until.ts';
import { ValkeyCluster } from '../../support/valkey-cluster.ts';

let cluster: ValkeyCluster;
/** Where it is watched. */
let api: TestApi;
/** Where it is recorded: what that one does, the other hears of from Valkey alone. */
let recorder: TestApi;

beforeAll(async () => {
  cluster = await ValkeyCluster.start();
  const keyPrefix = newKeyPrefix();
  [api, recorder] = [
    await startApi({ valkeyUrl: cluster.url, keyPrefix }),
    await startApi({ valkeyUrl: cluster.url, keyPrefix }),
  ];
}, 60_000);

afterAll(async () => {
  await recorder?.stop();
  await api?.stop();
  await cluster?.destroy();
});

async function record(userId: string): Promise<string | undefined> {
  const { data } = await recorder.ask<{ recordTransaction: { status: string } }>(
    'mutation ($input: TransactionInput!) { recordTransaction(input: $input) { status } }',
    { input: { transactionId: randomUUID(), userId, merchantId: 'm', amount: 1 } },
  );
  return data?.recordTransaction.status;
}

interface Pushed {
  readonly userRiskProfileUpdated: readonly {
    readonly cause: string;
    readonly user: { readonly id: string; readonly riskProfile: { readonly txnCount1m: number } };
  }[];
}

/** What a watcher of users is told, such as `EVENT 3`. */
function watch(userIds: readonly string[]) {
  const client = createClient({ url: api.webSocketUrl, webSocketImpl: WebSocket, retryAttempts: 0 });
  const told: string[] = [];
  client.subscribe<Pushed>(
    {
      query:
        'subscription ($ids: [ID!]!) { userRiskProfileUpdated(userIds: $ids, minIntervalMs: 0) { cause user { id riskProfile { txnCount1m } } } }',
      variables: { ids: userIds },
    },
    {
      next: ({ data }) => {
        for (const { cause, user } of data?.userRiskProfileUpdated ?? [])
          told.push(`${cause} ${user.riskProfile.txnCount1m}`);
      },
      error: () => {},
      complete: () => {},
    },
  );
  return { told, close: () => client.dispose() };
}

/** A user whose slot is at another primary than the one given. */
async function userElsewhere(than: ServerProcess): Promise<{ id: string; source: ServerProcess; slot: number }> {
  for (;;) {
    const id = randomUUID();
    const slot = calculateSlot(`{${id}}`);
    const source = (await cluster.ownerOf(slot, than)) as ServerProcess;
    if (source !== than) return { id, source, slot };
  }
}

describe('a watcher of entities on a cluster', () => {
  it('is told of what happens on each primary, in one subscription', async () => {
    const ids = Array.from({ length: 30 }, () => randomUUID());
    const { told, close } = watch(ids);
    await until(() => told.length === ids.length);
    for (const id of ids) await record(id);
    await until(() => told.filter((one) => one === 'EVENT 1').length === ids.length);
    await close();
  });

  it('is told in the end of what happened where nobody listened yet, though nothing happens after it', async () => {
    const [, target] = (await cluster.primaries(cluster.nodes[0] as ServerProcess)) as [ServerProcess, ServerProcess];
    // Of whom nothing is stored: that its slot moves, no key tells.
    const { id, source, slot } = await userElsewhere(target);
    const { told, close } = watch([id]);
    await until(() => told.length === 1);
    await cluster.moveSlots([slot, slot], source, target);
    // Whoever records is told at once that it has moved; whoever watches has yet to find out.
    expect(await record(id)).toBe('RECORDED');
    const recordedAt = performance.now();
    await until(() => told.includes('RESYNC 1'));
    process.stdout.write(`healed ${Math.round(performance.now() - recordedAt)} ms after it was recorded elsewhere\n`);
    // And from then on as ever.
    await record(id);
    await until(() => told.includes('EVENT 2'));
    await close();
  });

  it('is told of what happens while its slot moves, and after it', async () => {
    const [, target] = (await cluster.primaries(cluster.nodes[0] as ServerProcess)) as [ServerProcess, ServerProcess];
    const { id, source, slot } = await userElsewhere(target);
    const { told, close } = watch([id]);
    await until(() => told.length === 1);
    await record(id);
    await until(() => told.includes('EVENT 1'));
    await cluster.beginMove(slot, source, target);
    await cluster.moveKeys(slot, source, target, 1, 1);
    const recorded = record(id);
    await cluster.moveKeys(slot, source, target);
    await cluster.endMove(slot, source, target);
    expect(await recorded).toBe('RECORDED');
    await until(() => told.at(-1)?.endsWith(' 2'));
    await close();
  });

  it('is told of what was recorded with a new primary', async () => {
    const witness = cluster.nodes[0] as ServerProcess;
    const { id, source } = await userElsewhere(witness);
    const { told, close } = watch([id]);
    await until(() => told.length === 1);
    await record(id);
    await until(() => told.includes('EVENT 1'));
    await source.kill();
    await until(async () => (await record(id)) === 'RECORDED', 30_000);
    const recordedAt = performance.now();
    await until(() => told.some((one) => / [2-9]$/.test(one)));
    process.stdout.write(`healed ${Math.round(performance.now() - recordedAt)} ms after a new primary took over\n`);
    await record(id);
    await until(() => / [3-9]$/.test(told.at(-1) as string));
    await source.start();
    await cluster.whenWell();
    await close();
  }, 60_000);

  it('goes on watching where a canary has moved away, and all that was listened to by it', async () => {
    const [source, target] = (await cluster.primaries(cluster.nodes[0] as ServerProcess)) as [
      ServerProcess,
      ServerProcess,
    ];
    const { id } = await userElsewhere(source);
    const { told, close } = watch([id]);
    await until(() => told.length === 1);
    const slots = await canarySlots(source);
    for (const slot of slots) await cluster.moveSlots([slot, slot], source, target);
    await until(async () => (await canarySlots(source)).every((slot) => !slots.includes(slot)));
    // A canary that was called on its way may have said so.
    await until(() => api.backend.current().hub.problem === null);
    await record(id);
    await until(() => told.includes('EVENT 1'));
    await close();
  });

  it('is told of what happened at a primary that has joined before it was listened to', async () => {
    const witness = cluster.nodes[0] as ServerProcess;
    const joining = await cluster.joinAsPrimary(witness);
    const { id, source, slot } = await userElsewhere(joining);
    const { told, close } = watch([id]);
    await until(() => told.length === 1);
    await cluster.moveSlots([slot, slot], source, joining);
    expect(await record(id)).toBe('RECORDED');
    await until(() => told.includes('RESYNC 1'));
    await close();
  }, 60_000);
});

/** Of the canaries whose channels are subscribed to there. */
async function canarySlots({ admin }: ServerProcess): Promise<number[]> {
  const channels = (await admin.pubsub('CHANNELS', `*:canary:{*`)) as string[];
  return channels.map((channel) => calculateSlot(channel.slice(channel.indexOf(':') + 1)));
}
