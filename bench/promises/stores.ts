import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, startEmbeddedValkey } from '../../src/valkey/index.ts';
import { serverAddress } from '../server.ts';

/** A Valkey that can keep a promise, and how to be rid of it. */
export interface Store {
  readonly url: string;
  stop(): Promise<void>;
}

/** A Valkey with an append-only file, which it syncs each second, or at each write. */
export async function startStore(syncsAlways: boolean): Promise<Store> {
  const dataDir = await mkdtemp(join(tmpdir(), 'freshet-bench-'));
  const valkey = await startEmbeddedValkey({ persistent: true, dataDir, syncsAlways, report: () => {} });
  return {
    url: valkey.url,
    async stop() {
      await valkey.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** The same, with a replica that follows it. */
export async function startReplicatedStore(): Promise<Store> {
  const [primary, replica] = await Promise.all([startStore(false), startStore(false)]);
  const { host, port } = serverAddress(primary.url);
  const valkey = connect(serverAddress(replica.url));
  await valkey.replicaof(host, port);
  while (!/master_link_status:up/.test(await valkey.info('replication'))) await sleep(50);
  valkey.disconnect();
  return {
    url: primary.url,
    async stop() {
      await replica.stop();
      await primary.stop();
    },
  };
}
