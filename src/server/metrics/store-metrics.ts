import { unavailableReasons } from '../../valkey/index.ts';
import type { StoreConnection } from '../backend.ts';
import type { ServerFacts, StoreLook } from '../health.ts';
import { counter, type Family, gauge } from './family.ts';

/** How this process stands to its store, of which it need not ask it. */
export function connectionMetrics(connection: () => StoreConnection): readonly Family[] {
  return [
    gauge(
      'freshet_valkey_connected',
      '1 while the connection for commands stands; of several workers, 0 if one has none.',
      () => (connection().isConnected ? 1 : 0),
      'min',
    ),
    gauge(
      'freshet_valkey_changes_heard',
      '1 while notifications of changes are heard; 0: watchers are behind until it is 1 again. Of several workers, 0 if one hears none.',
      () => (connection().hearsChanges ? 1 : 0),
      'min',
    ),
    counter(
      'freshet_valkey_connections_lost_total',
      'How often the connection for commands was lost.',
      () => connection().losses,
    ),
  ];
}

const otherReason = 'something else: see the log, or /readyz';

/** In words that there are a limited number of. */
function knownReason(problem: string): string {
  return unavailableReasons.find((reason) => problem.startsWith(reason)) ?? otherReason;
}

/** What a look at the store has shown; of a cluster, of each primary. */
export function storeMetrics({ problems, reasons, servers }: StoreLook): readonly Family[] {
  const fact = (read: (facts: ServerFacts) => number) => () =>
    servers.flatMap(({ name, facts }) => (facts ? [[{ server: name }, read(facts)] as const] : []));
  return [
    gauge('freshet_ready', '1 while requests can be served, as /readyz says.', () => (problems.length === 0 ? 1 : 0)),
    gauge(
      'freshet_problem',
      '1 for each thing that is in the way of serving, be it some of what is stored, in words.',
      () => [...new Set(reasons.map(knownReason))].map((reason) => [{ reason }, 1]),
    ),
    gauge(
      'freshet_valkey_answer_seconds',
      'How long Valkey took to answer INFO for this scrape; absent if it did not.',
      () => servers.flatMap(({ name, facts, tookMs }) => (facts ? [[{ server: name }, tookMs / 1_000] as const] : [])),
    ),
    gauge(
      'freshet_valkey_memory_bytes',
      'Memory that Valkey uses.',
      fact(({ memoryBytes }) => memoryBytes),
    ),
    gauge(
      'freshet_valkey_memory_limit_bytes',
      'Memory that Valkey may use (maxmemory); 0: as much as there is.',
      fact(({ memoryLimitBytes }) => memoryLimitBytes),
    ),
    gauge(
      'freshet_valkey_clients',
      'Connections that Valkey has, of all its clients.',
      fact(({ clients }) => clients),
    ),
    gauge(
      'freshet_valkey_replicas',
      'Replicas that are connected to Valkey.',
      fact(({ replicas }) => replicas),
    ),
    counter(
      'freshet_valkey_evicted_keys_total',
      'Keys that Valkey has evicted: each is a log, a hash or what is kept beside them, and lost.',
      fact(({ evictedKeys }) => evictedKeys),
    ),
    gauge('freshet_valkey_info', '1, with the version, role and eviction policy of Valkey.', () =>
      servers.flatMap(({ name, facts }) =>
        facts
          ? [
              [
                { server: name, version: facts.version, role: facts.role, eviction_policy: facts.evictionPolicy },
                1,
              ] as const,
            ]
          : [],
      ),
    ),
  ];
}
