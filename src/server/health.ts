import { type Acknowledgement, type Servers, unavailableReason, type ValkeyServer } from '../valkey/index.ts';

/** What `/readyz` says. */
export interface Health {
  /** Whether requests can be served now. */
  readonly ready: boolean;
  /** What is in the way. */
  readonly problems: readonly string[];
  /** What an operator should change, though requests are served. */
  readonly warnings: readonly string[];
}

type Findings = Pick<Health, 'problems' | 'warnings'>;

const patienceMs = 500; // half a second: whoever asks has a patience of its own
/** So much of its memory in use is told of before all is. */
const fullShare = 0.95;

/**
 * Asks all servers how they are; bounded in time. Of a cluster, some of whose servers are in trouble, the others serve on: that is a
 * warning, and a problem once all are.
 */
export async function valkeyHealth(servers: Servers, acknowledge: Acknowledgement): Promise<Findings> {
  const { all, isCluster } = servers;
  if (all.length === 0) return { problems: ['no primary of the cluster is known'], warnings: [] };
  const found = await Promise.all(all.map((server) => serverHealth(server, acknowledge)));
  if (!isCluster) return found[0] as Findings;
  const named = (of: keyof Findings) => found.flatMap((one, i) => one[of].map((text) => `${all[i]?.name}: ${text}`));
  const isAnyWell = found.some(({ problems }) => problems.length === 0);
  return isAnyWell
    ? { problems: [], warnings: [...named('problems'), ...named('warnings')] }
    : { problems: named('problems'), warnings: named('warnings') };
}

async function serverHealth({ valkey }: ValkeyServer, acknowledge: Acknowledgement): Promise<Findings> {
  if (valkey.status !== 'ready') return { problems: ['there is no connection to Valkey'], warnings: [] };
  try {
    const facts = readInfo(await within(patienceMs, valkey.info('memory', 'replication', 'persistence')));
    return { problems: problemsIn(facts), warnings: warningsIn(facts, acknowledge) };
  } catch (error) {
    return { problems: [unavailableReason(error) ?? `Valkey answers ${String(error)}`], warnings: [] };
  }
}

type Facts = ReadonlyMap<string, string>;

function problemsIn(facts: Facts): string[] {
  if (facts.get('role') !== 'slave') return [];
  return [
    'Valkey is a replica here and takes no writes: name its primary with VALKEY_URL, or its sentinels, which know who that is',
  ];
}

function warningsIn(facts: Facts, acknowledge: Acknowledgement): string[] {
  const number = (name: string) => Number(facts.get(name) ?? 0);
  const warnings: string[] = [];
  const policy = facts.get('maxmemory_policy') ?? 'noeviction';
  if (policy !== 'noeviction') {
    warnings.push(
      `maxmemory-policy is ${policy}: under memory pressure Valkey would drop logs, and features with them, without a word; set it to noeviction`,
    );
  }
  const [used, most] = [number('used_memory'), number('maxmemory')];
  if (most > 0 && used >= fullShare * most) {
    warnings.push(
      `Valkey uses ${Math.floor((100 * used) / most)} % of maxmemory, and takes no events once that is 100 %: raise maxmemory, or forget entities`,
    );
  }
  if (facts.get('aof_last_write_status') === 'err' || facts.get('rdb_last_bgsave_status') === 'err') {
    warnings.push(
      'Valkey could not write its data to disk the last time it tried: see its log, and the space on its disk',
    );
  }
  if (acknowledge.kind === 'replica' && number('connected_slaves') < acknowledge.replicas) {
    warnings.push(
      `FRESHET_ACK asks for ${acknowledge.replicas} replicas, and ${number('connected_slaves')} are connected: nothing can be acknowledged until they are`,
    );
  }
  if (acknowledge.kind === 'replica' && number('connected_slaves') > acknowledge.replicas) {
    warnings.push(
      `of ${number('connected_slaves')} replicas, FRESHET_ACK waits for ${acknowledge.replicas}: should another one become the primary, what that one has not confirmed is lost; ask for all of them`,
    );
  }
  return warnings;
}

function readInfo(text: string): Facts {
  return new Map(
    text.split('\r\n').map((line) => [line.split(':', 1)[0] as string, line.slice(line.indexOf(':') + 1)]),
  );
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error('Command timed out')), ms);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}
