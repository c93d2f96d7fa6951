import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { ApiProcess } from '../../support/api.ts';
import type { ServerProcess } from '../../support/server-process.ts';
import { ValkeyCluster } from '../../support/valkey-cluster.ts';

let cluster: ValkeyCluster;
const apis: ApiProcess[] = [];

beforeAll(async () => {
  cluster = await ValkeyCluster.start();
}, 60_000);

afterAll(async () => {
  for (const api of apis) await api.stop();
  await cluster?.destroy();
});

function start(VALKEY_URL: string, more: { readonly [name: string]: string } = {}): ApiProcess {
  const api = new ApiProcess({ VALKEY_URL, ...more });
  apis.push(api);
  return api;
}

const [first, second] = [0, 1].map((i) => () => (cluster.nodes[i] as ServerProcess).port) as [
  () => number,
  () => number,
];

describe('an API that starts on a cluster', () => {
  it('needs just one node of it that answers', async () => {
    const api = start(`valkey+cluster://127.0.0.1:1,127.0.0.1:${second()}`, { WORKERS: '2' });
    const client = await api.listening();
    expect(await client.get('/readyz')).toEqual({ status: 200, body: { ready: true, problems: [], warnings: [] } });
    const { data } = await client.ask(
      'mutation { recordTransactions(input: [{ transactionId: "1", userId: "a", merchantId: "b", amount: 1 }, { transactionId: "2", userId: "c", merchantId: "d", amount: 1 }]) { recorded } }',
    );
    expect(data).toEqual({ recordTransactions: { recorded: 2 } });
  });

  it('does not wait for a password to become right', async () => {
    const api = start(`valkey+cluster://me:wrong@127.0.0.1:${first()}`);
    expect(await api.exited).toBe(1);
    expect(api.output).toContain('Valkey refuses the user name or password');
    expect(api.output).not.toContain('wrong@');
  });

  it('says that what it was told of is no cluster', async () => {
    const api = start(inject('valkeyUrl').replace('valkey://', 'valkey+cluster://'));
    expect(await api.exited).toBe(1);
    expect(api.output).toMatch(/^what VALKEY_URL names is no node of a cluster: set it to valkey:\/\//m);
  });

  it('says that what it was told of is a cluster', async () => {
    const api = start(`valkey://127.0.0.1:${first()}`);
    expect(await api.exited).toBe(1);
    expect(api.output).toMatch(/is a node of a cluster.*valkey\+cluster:\/\//);
  });
});
