import {
  type Acknowledgement,
  inTime,
  type Servers,
  unavailableReason,
  type ValkeyServer,
  whyNotSynced,
} from '../valkey/index.ts';

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

/** What a server tells of itself. */
export interface ServerFacts {
  readonly version: string;
  readonly role: 'primary' | 'replica';
  readonly memoryBytes: number;
  /** 0: there is no limit. */
  readonly memoryLimitBytes: number;
  readonly evictionPolicy: string;
  /** Keys that were evicted since it started. */
  readonly evictedKeys: number;
  /** Connections of clients. */
  readonly clients: number;
  readonly replicas: number;
  /** Whether it could write its data the last time it tried. */
  readonly isWritten: boolean;
}

/** What a look at one server has shown. */
export interface ServerLook extends Findings {
  readonly name: string;
  /** Null: it did not answer, or not in time. */
  readonly facts: ServerFacts | null;
  /** How long it took to answer, or not to. */
  readonly tookMs: number;
}

/** What a look at all of them has shown. */
export interface StoreLook extends Findings {
  /** What is wrong with any of them, whether all can be served or not, and not of which it is. */
  readonly reasons: readonly string[];
  readonly servers: readonly ServerLook[];
}

const patienceMs = 500; // half a second: whoever asks has a patience of its own
/** So much of its memory in use is told of before all is. */
const fullShare = 0.95;

/**
 * Asks all servers how they are; bounded in time. Of a cluster, some of whose servers are in trouble, the others serve on: that is a
 * warning, and a problem once all are.
 */
export async function lookAtStore({ all, isCluster }: Servers, acknowledge: Acknowledgement): Promise<StoreLook> {
  const servers = await Promise.all(all.map((server) => lookAt(server, acknowledge)));
  const reasons = servers.flatMap(({ problems }) => problems);
  if (servers.length === 0) {
    const problems = ['no primary of the cluster is known'];
    return { problems, warnings: [], reasons: problems, servers };
  }
  const named = (of: keyof Findings) =>
    servers.flatMap((one) => one[of].map((text) => (isCluster ? `${one.name}: ${text}` : text)));
  const isAnyWell = servers.some(({ problems }) => problems.length === 0);
  return isAnyWell
    ? { problems: [], warnings: [...named('problems'), ...named('warnings')], reasons, servers }
    : { problems: named('problems'), warnings: named('warnings'), reasons, servers };
}

async function lookAt({ valkey, name }: ValkeyServer, acknowledge: Acknowledgement): Promise<ServerLook> {
  const begunAt = performance.now();
  const seen = await ask(valkey, acknowledge);
  return { name, ...seen, tookMs: performance.now() - begunAt };
}

async function ask(
  valkey: ValkeyServer['valkey'],
  acknowledge: Acknowledgement,
): Promise<Omit<ServerLook, 'name' | 'tookMs'>> {
  if (valkey.status !== 'ready') return { problems: ['there is no connection to Valkey'], warnings: [], facts: null };
  try {
    const sections = ['server', 'clients', 'memory', 'stats', 'replication', 'persistence'];
    const asked = [valkey.info(...sections), acknowledge.kind === 'fsync' ? whyNotSynced(valkey) : null] as const;
    const [info, notSynced] = await inTime(patienceMs, Promise.all(asked));
    const facts = factsIn(readInfo(info));
    const warnings = warningsIn(facts, acknowledge);
    // What others than those of the start are set to: the promise holds, but slowly, or nothing can be acknowledged.
    if (notSynced !== null) warnings.push(notSynced);
    return { problems: problemsIn(facts), warnings, facts };
  } catch (error) {
    return { problems: [unavailableReason(error) ?? `Valkey answers ${String(error)}`], warnings: [], facts: null };
  }
}

function factsIn(info: ReadonlyMap<string, string>): ServerFacts {
  const number = (name: string) => Number(info.get(name) ?? 0);
  return {
    version: info.get('valkey_version') ?? info.get('redis_version') ?? 'unknown',
    role: info.get('role') === 'slave' ? 'replica' : 'primary',
    memoryBytes: number('used_memory'),
    memoryLimitBytes: number('maxmemory'),
    evictionPolicy: info.get('maxmemory_policy') ?? 'noeviction',
    evictedKeys: number('evicted_keys'),
    clients: number('connected_clients'),
    replicas: number('connected_slaves'),
    isWritten: info.get('aof_last_write_status') !== 'err' && info.get('rdb_last_bgsave_status') !== 'err',
  };
}

function problemsIn({ role }: ServerFacts): string[] {
  if (role === 'primary') return [];
  return [
    'Valkey is a replica here and takes no writes: name its primary with VALKEY_URL, or its sentinels, which know who that is',
  ];
}

function warningsIn(facts: ServerFacts, acknowledge: Acknowledgement): string[] {
  const { evictionPolicy: policy, memoryBytes: used, memoryLimitBytes: most, replicas } = facts;
  const wanted = acknowledge.kind === 'replica' ? acknowledge.replicas : null;
  const all: readonly (string | false)[] = [
    policy !== 'noeviction' &&
      `maxmemory-policy is ${policy}: under memory pressure Valkey would drop logs, and features with them, without a word; set it to noeviction`,
    most > 0 &&
      used >= fullShare * most &&
      `Valkey uses ${Math.floor((100 * used) / most)} % of maxmemory, and takes no events once that is 100 %: raise maxmemory, or forget entities`,
    !facts.isWritten &&
      'Valkey could not write its data to disk the last time it tried: see its log, and the space on its disk',
    wanted !== null &&
      replicas < wanted &&
      `FRESHET_ACK asks for ${wanted} replicas, and ${replicas} are connected: nothing can be acknowledged until they are`,
    wanted !== null &&
      replicas > wanted &&
      `of ${replicas} replicas, FRESHET_ACK waits for ${wanted}: should another one become the primary, what that one has not confirmed is lost; ask for all of them`,
  ];
  return all.filter((warning) => warning !== false);
}

function readInfo(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split('\r\n').map((line) => [line.split(':', 1)[0] as string, line.slice(line.indexOf(':') + 1)]),
  );
}
