import { randomUUID } from 'node:crypto';
import calculateSlot from 'cluster-key-slot';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { riskProfile } from '../../../schema/user.ts';
import { type ApiClient, startApi, type TestApi } from '../../support/api.ts';
import type { ServerProcess } from '../../support/server-process.ts';
import { until } from '../../support/until.ts';
import { ValkeyCluster } from '../../support/valkey-cluster.ts';

let cluster: ValkeyCluster;
let api: TestApi;

beforeAll(async () => {
  cluster = await ValkeyCluster.start();
  api = await startApi({ valkeyUrl: cluster.url });
}, 60_000);

afterAll(async () => {
  await api?.stop();
  await cluster?.destroy();
});

interface Recorded {
  readonly recordTransactions: { readonly results: readonly { readonly status: string }[] };
}

/** What became of events of a user, the last of so many. */
async function record(userId: string, count: number, from = 0): Promise<string[]> {
  const input = Array.from({ length: count }, (_, i) => ({
    transactionId: `${userId}-${from + i}`,
    userId,
    // Every other is of a merchant of the same name, whose keys are in the same slot.
    merchantId: (from + i) % 2 === 0 ? userId : `${userId}-${from + i}`,
    amount: 1,
  }));
  const { data } = await (api as ApiClient).ask<Recorded>(
    'mutation ($input: [TransactionInput!]!) { recordTransactions(input: $input) { results { status } } }',
    { input },
  );
  return (data?.recordTransactions.results ?? []).map(({ status }) => status);
}

interface Served {
  readonly user: { readonly riskProfile: { readonly txnCount24h: number; readonly uniqueMerchants24h: number } | null };
}

/** Of how many events, and merchants, a user is known. */
async function served(id: string) {
  const { data } = await api.ask<Served>(
    'query ($id: ID!) { user(id: $id) { riskProfile { txnCount24h uniqueMerchants24h } } }',
    { id },
  );
  return data?.user.riskProfile;
}

async function countOf(id: string): Promise<number | undefined> {
  return (await served(id))?.txnCount24h;
}

/** An entity's slot, which goes from one primary to another. */
interface Move {
  readonly slot: number;
  readonly source: ServerProcess;
  readonly target: ServerProcess;
}

async function beginMove(id: string): Promise<Move> {
  const slot = calculateSlot(`{${id}}`);
  const [witness] = cluster.nodes as [ServerProcess];
  const source = (await cluster.ownerOf(slot, witness)) as ServerProcess;
  const target = (await cluster.primaries(witness)).find((node) => node !== source) as ServerProcess;
  await cluster.beginMove(slot, source, target);
  return { slot, source, target };
}

async function endMove({ slot, source, target }: Move): Promise<void> {
  await cluster.moveKeys(slot, source, target);
  await cluster.endMove(slot, source, target);
}

/** How often functions were called there. */
async function calls({ admin }: ServerProcess): Promise<number> {
  const stats = await admin.info('commandstats');
  return (
    Number(/^cmdstat_fcall:calls=(\d+)/m.exec(stats)?.[1] ?? 0) +
    Number(/^cmdstat_fcall:.*rejected_calls=(\d+)/m.exec(stats)?.[1] ?? 0)
  );
}

describe('an entity whose keys are on their way to another primary', () => {
  it.each([
    ['logs', /:log:/],
    ['hashes', /^[^:]+:v1:/],
    ['last-seen values', /:seen:/],
    ['ids', /:ids:/],
  ])('is recorded once, and whole, when its %s have gone first', async (_, kind) => {
    const id = `moved-${randomUUID().slice(0, 6)}`;
    for (let from = 0; from < 400; from += 50) await record(id, 50, from);
    const move = await beginMove(id);
    // Of both its views: an event is recorded if it is new to one of them.
    const keys = (await move.source.admin.call('CLUSTER', 'GETKEYSINSLOT', move.slot, 100)) as string[];
    const gone = keys.filter((key) => kind.test(key));
    expect(gone.length).toBeGreaterThan(0);
    await move.source.admin.call('MIGRATE', '127.0.0.1', move.target.port, '', 0, 5_000, 'KEYS', ...gone);

    const before = await calls(move.source);
    // So many that the log is compacted once more.
    const recorded = record(id, 30, 400);
    await until(async () => (await calls(move.source)) > before + 2);
    await endMove(move);
    expect(await recorded).toEqual(new Array(30).fill('RECORDED'));
    expect(await record(id, 30, 400)).toEqual(new Array(30).fill('DUPLICATE'));
    expect(await record(id, 5, 3)).toEqual(new Array(5).fill('DUPLICATE'));
    expect(await served(id)).toEqual({ txnCount24h: 430, uniqueMerchants24h: 1 + 215 });
  });

  it('that is new waits until it is known where it belongs', async () => {
    const id = `new-${randomUUID().slice(0, 6)}`;
    const move = await beginMove(id);
    const before = await calls(move.source);
    const recorded = record(id, 1);
    await until(async () => (await calls(move.source)) > before + 1);
    await endMove(move);
    expect(await recorded).toEqual(['RECORDED']);
    expect(await countOf(id)).toBe(1);
    expect(await move.target.admin.exists(api.engine.keys.log(riskProfile, id))).toBe(1);
  });

  it('is served where it is as long as all of it is there', async () => {
    const id = `whole-${randomUUID().slice(0, 6)}`;
    await record(id, 3);
    const move = await beginMove(id);
    expect(await countOf(id)).toBe(3);
    await endMove(move);
    expect(await countOf(id)).toBe(3);
  });

  it('is unavailable, and says why, when that takes too long', async () => {
    const id = `stuck-${randomUUID().slice(0, 6)}`;
    await record(id, 3);
    const move = await beginMove(id);
    await move.source.admin.call(
      'MIGRATE',
      '127.0.0.1',
      move.target.port,
      api.engine.keys.log(riskProfile, id),
      0,
      5_000,
    );
    const { data, errors } = await api.ask('query ($id: ID!) { user(id: $id) { riskProfile { txnCount24h } } }', {
      id,
    });
    expect(data).toEqual({ user: { riskProfile: null } });
    expect(errors).toMatchObject([{ extensions: { code: 'UNAVAILABLE' }, message: expect.stringMatching(/moving/) }]);
    expect(await record(id, 1, 3)).toEqual(['UNAVAILABLE']);
    await endMove(move);
    expect(await record(id, 1, 3)).toEqual(['RECORDED']);
    expect(await countOf(id)).toBe(4);
  });
});
