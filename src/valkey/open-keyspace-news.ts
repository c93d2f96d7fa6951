import type { ClusterAddress, SingleAddress, ValkeyAddress } from './address.ts';
import { ClusterKeyspaceEvents } from './cluster/cluster-keyspace-events.ts';
import { connectSubscriber } from './connect.ts';
import { KeyspaceEvents, type KeyspaceNews } from './keyspace-events.ts';
import type { Servers, ValkeyServer } from './servers.ts';

/**
 * Listens to the changes of keys on servers, by connections of their own to each.
 * @param address the same at which the servers were opened.
 * @throws KeyspaceEventsError that says what to set; an error for which `unavailableReason` has a reason.
 */
export async function openKeyspaceNews(
  servers: Servers,
  address: ValkeyAddress,
  keyPrefix: string,
): Promise<KeyspaceNews> {
  if (address.kind === 'cluster') {
    const subscriberOf = (server: ValkeyServer) => connectSubscriber(nodeAddress(address, server));
    return ClusterKeyspaceEvents.open({ servers, subscriberOf, keyPrefix });
  }
  await servers.ready();
  const [{ valkey }] = servers.all as [ValkeyServer];
  return KeyspaceEvents.open({ valkey, subscriber: connectSubscriber(address), keyPrefix });
}

function nodeAddress({ tls, username, password }: ClusterAddress, { valkey }: ValkeyServer): SingleAddress {
  const { host, port } = valkey.options as { readonly host: string; readonly port: number };
  return { kind: 'single', host, port, tls, username, password, db: 0 };
}
