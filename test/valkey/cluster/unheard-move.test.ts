import calculateSlot from 'cluster-key-slot';
import { expect, it, onTestFinished } from 'vitest';
import { openKeyspaceNews, openServers, parseValkeyUrl } from '../../../src/valkey/index.ts';
import type { ServerProcess } from '../../support/server-process.ts';
import { until } from '../../support/until.ts';
import { ValkeyCluster } from '../../support/valkey-cluster.ts';

it('a key that goes to a primary which hangs is told to have been missed, once it is heard there', async () => {
  const cluster = await ValkeyCluster.start({ 'cluster-node-timeout': '60000', 'cluster-replica-no-failover': 'yes' });
  const address = parseValkeyUrl(cluster.url);
  const servers = openServers(address);
  const news = await openKeyspaceNews(servers, address, 'test');
  const [source, target] = cluster.nodes as [ServerProcess, ServerProcess];
  onTestFinished(async () => {
    target.thaw();
    news.close();
    servers.close();
    await cluster.destroy();
  });
  let id = 0;
  while ((await cluster.ownerOf(calculateSlot(`{${id}}`), source)) !== source) id++;
  const key = `test:v1:view:{${id}}`;
  const missed = new Set<string>();
  news.listen({
    changed: () => {},
    missed: (keys) => {
      for (const one of keys ?? [key]) missed.add(one);
    },
  });
  await news.subscribe([key]);
  expect(news.problem).toBeNull();
  await cluster.moveSlots([calculateSlot(key), calculateSlot(key)], source, target);
  await target.admin.hset(key, 'changed', 'unheard');
  target.freeze();
  // Nobody can subscribe there.
  await until(() => news.problem !== null, 20_000);
  expect([...missed]).not.toContain(key);
  target.thaw();
  await until(() => missed.has(key), 20_000);
  await until(() => news.problem === null);
}, 60_000);
