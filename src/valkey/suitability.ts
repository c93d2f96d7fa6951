import { type Acknowledgement, confirmation } from './acknowledgement.ts';
import type { ValkeyServer } from './servers.ts';

/** A Valkey on which this cannot work, or cannot keep what it promises: nothing that waiting would mend. */
export class UnsuitableValkeyError extends Error {
  override readonly name = 'UnsuitableValkeyError';
  readonly code = 'VALKEY_UNSUITABLE';
}

/** Functions, on which the engine is built, came with Redis 7. */
const oldest = { version: 7.0, name: 'Valkey 7.2 or Redis 7.0' };
/** WAITAOF came with Redis 7.2, from which Valkey was forked. */
const oldestThatWaits = { version: 7.2, name: 'Valkey 7.2 or Redis 7.2' };

/**
 * Makes sure that a server can do what is asked of it.
 * @param isCluster whether it was reached as a node of a cluster.
 * @throws UnsuitableValkeyError that says what to do; what the command fails with.
 */
export async function assertSuitable(
  { valkey, name }: ValkeyServer,
  isCluster: boolean,
  wanted: Acknowledgement,
): Promise<void> {
  const unsuitable = (what: string) => new UnsuitableValkeyError(`${name}: ${what}`);
  const info = await valkey.info('server', 'cluster');
  const version = Number(/^redis_version:(\d+\.\d+)/m.exec(info)?.[1] ?? oldest.version);
  const needed = wanted.kind === 'fsync' ? oldestThatWaits : oldest;
  if (version < needed.version) {
    throw unsuitable(
      `is of version ${version}, and ${needed.name} or newer is needed: upgrade it, or name another with VALKEY_URL`,
    );
  }
  if (!isCluster && /^cluster_enabled:1/m.test(info)) {
    throw unsuitable(
      'is a node of a cluster, and has only some of its keys: set VALKEY_URL to valkey+cluster://host:port,…',
    );
  }
  await assertFunctions(valkey, unsuitable);
  const notSynced = wanted.kind === 'fsync' ? await whyNotSynced(valkey) : null;
  if (notSynced !== null) throw unsuitable(notSynced);
  await assertConfirms(valkey, wanted, unsuitable);
}

async function assertFunctions(valkey: ValkeyServer['valkey'], unsuitable: (what: string) => Error): Promise<void> {
  try {
    await valkey.call('FUNCTION', 'LIST', 'LIBRARYNAME', 'freshet_none');
  } catch (error) {
    if (!(error instanceof Error) || !/^NOPERM|unknown command/i.test(error.message)) throw error;
    throw unsuitable(
      `functions are not allowed (${error.message}): allow this user +function|load +function|list +fcall +fcall_ro, or, where the service has disabled FUNCTION, choose one that has not`,
    );
  }
}

/** By asking for nothing: it is answered at once. */
async function assertConfirms(
  valkey: ValkeyServer['valkey'],
  wanted: Acknowledgement,
  unsuitable: (what: string) => Error,
): Promise<void> {
  const [command] = confirmation(wanted) ?? [];
  if (command === undefined) return;
  try {
    await valkey.call(command, ...(command === 'WAIT' ? [0, 1] : [0, 0, 1]));
  } catch (error) {
    if (!(error instanceof Error) || !/^NOPERM|unknown command/i.test(error.message)) throw error;
    throw unsuitable(`FRESHET_ACK needs ${command} (${error.message}): allow this user +${command.toLowerCase()}`);
  }
}

/** Why a server does not write each change to its disk before it goes on, and what to do; null: it does. */
export async function whyNotSynced(valkey: ValkeyServer['valkey']): Promise<string | null> {
  let found: readonly string[];
  try {
    found = (await valkey.call('CONFIG', 'GET', 'appendonly', 'appendfsync')) as string[];
  } catch (error) {
    if (!(error instanceof Error) || !/^NOPERM|unknown command/i.test(error.message)) throw error;
    return `FRESHET_ACK=fsync cannot be kept where it cannot be seen how it writes its file (${error.message}): allow this user +config|get`;
  }
  const settings = new Map(Array.from({ length: found.length / 2 }, (_, i) => [found[2 * i], found[2 * i + 1]]));
  if (settings.get('appendonly') === 'yes' && settings.get('appendfsync') === 'always') return null;
  return `FRESHET_ACK=fsync needs «appendonly yes» and «appendfsync always», and it has «appendonly ${settings.get('appendonly')}» and «appendfsync ${settings.get('appendfsync')}»: set both in valkey.conf, or by CONFIG SET`;
}
