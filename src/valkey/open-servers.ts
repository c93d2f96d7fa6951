import { describeAddress, type ValkeyAddress } from './address.ts';
import { ClusterServers } from './cluster/cluster-servers.ts';
import { type ConnectionLimits, connect } from './connect.ts';
import { type Servers, SingleServer } from './servers.ts';

/** Connects to what is at an address: nothing is known of it before it is `ready`. */
export function openServers(address: ValkeyAddress, limits: ConnectionLimits = {}): Servers {
  if (address.kind === 'cluster') return new ClusterServers(address, limits);
  return new SingleServer(connect(address, limits), describeAddress(address));
}
