import type { Redis } from 'iovalkey';
import { unavailableReason } from './unavailable.ts';

/** Keyspace channels (K) of generic commands (g), hashes (h), expiry (x) and eviction (e). */
const needed = 'Kghxe';
/** What `A` stands for, of the classes that we need. */
const coveredByA = 'ghxe';

/** The flags with those that are missing of ours added, or null when nothing is missing. */
export function withNeededFlags(flags: string): string | null {
  const missing = [...needed].filter(
    (flag) => !flags.includes(flag) && !(flags.includes('A') && coveredByA.includes(flag)),
  );
  return missing.length === 0 ? null : flags + missing.join('');
}

/** What became of the attempt to see to `notify-keyspace-events`. */
export type NotifyFlags = { readonly kind: 'set'; readonly flags: string } | { readonly kind: 'forbidden' };

/** Adds what we need to `notify-keyspace-events`, and never takes anything away; many services forbid CONFIG. */
export async function addNotifyFlags(valkey: Redis): Promise<NotifyFlags> {
  try {
    const [, flags = ''] = (await valkey.config('GET', 'notify-keyspace-events')) as string[];
    const wanted = withNeededFlags(flags);
    if (wanted !== null) await valkey.config('SET', 'notify-keyspace-events', wanted);
    return { kind: 'set', flags: wanted ?? flags };
  } catch (error) {
    if (unavailableReason(error) !== null) throw error;
    return { kind: 'forbidden' };
  }
}

/** Says what to do when the canary's `operations` were not heard. */
export function explainSilence(notify: NotifyFlags, operations: readonly string[]): string {
  const what = `Valkey does not tell of changes to keys (unheard: ${operations.join(', ')})`;
  return notify.kind === 'forbidden'
    ? `${what}, and this user may not set it with CONFIG. Add ${needed} to notify-keyspace-events there (in valkey.conf or ` +
        `the service's parameters: "notify-keyspace-events ${needed}", with the flags that are already set), and allow this user ` +
        'to subscribe to the channels __keyspace@*.'
    : `${what}, though notify-keyspace-events is "${notify.flags}". Allow this user to subscribe to the channels __keyspace@*.`;
}
