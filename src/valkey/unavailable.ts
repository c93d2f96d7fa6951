import { UnconfirmedError } from './acknowledgement.ts';

/** Where the keys of an entity are on their way to another server of a cluster. */
export const movingReason = 'the Valkey cluster is moving these keys';
/** Where more waits for Valkey than it can be given: what comes on top is refused at once. */
export const crowdedReason = 'too much is waiting for Valkey already';

/** Errors with which Valkey itself says that it cannot serve now; a retry may succeed. By the first word of its reply. */
const replies: { readonly [word: string]: string } = {
  LOADING: 'Valkey is still loading its data',
  READONLY: 'Valkey is a replica here and takes no writes',
  MASTERDOWN: 'Valkey is a replica that has lost its primary',
  CLUSTERDOWN: 'the Valkey cluster is down',
  TRYAGAIN: movingReason,
  ASK: movingReason,
  MOVED: 'the Valkey cluster has moved these keys',
  MISCONF: 'Valkey cannot write its data to disk and takes no writes: see its log, and the space on its disk',
  NOREPLICAS: 'Valkey has fewer replicas than its min-replicas-to-write and takes no writes',
  OOM: 'Valkey is out of memory and takes no writes: raise its maxmemory, or forget entities',
  BUSY: 'Valkey is busy with a script',
  UNKILLABLE: 'Valkey is busy with a script',
  NOAUTH: 'Valkey asks for a password',
  WRONGPASS: 'Valkey refuses the user name or password',
};

/** What the client says when a connection is missing, breaks under a command, or brings no answer in time. */
const failures: readonly (readonly [RegExp, string])[] = [
  [/Command timed out|Socket timeout/, 'Valkey did not answer in time'],
  [/ECONNREFUSED/, 'Valkey refuses connections'],
  [/ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN|ENOTFOUND/, 'Valkey cannot be reached'],
  [/max retries per request|Stream isn't writeable/, 'there is no connection to Valkey'],
  [
    /Connection is closed|aborted due to connection close|ECONNRESET|EPIPE|Socket closed/,
    'the connection to Valkey broke',
  ],
  [/non local key/, movingReason],
  [/function not found/i, 'Valkey forgot its functions again while they were loaded'],
  [new RegExp(crowdedReason), crowdedReason],
  [/max number of clients/, 'Valkey has no connection to spare'],
];

/** All that `unavailableReason` may say. */
export const unavailableReasons: readonly string[] = [
  ...Object.values(replies),
  ...failures.map(([, reason]) => reason),
];

/**
 * Why Valkey could not be reached in time, or would not serve; null when the error says something else (a bug).
 * What was sent may or may not have happened.
 */
export function unavailableReason(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  if (error instanceof UnconfirmedError) return error.message;
  const word = /^[A-Z]+\b/.exec(error.message)?.[0];
  const reply = word === undefined ? undefined : replies[word];
  if (reply !== undefined) return reply;
  // The code too: the message of a failed attempt on several addresses is empty.
  const said = `${error.message} ${(error as NodeJS.ErrnoException).code ?? ''}`;
  return failures.find(([pattern]) => pattern.test(said))?.[1] ?? null;
}

/** Whether Valkey was reached and refused who we say we are: nothing that waiting would mend at a start. */
export function isRefusal(error: unknown): boolean {
  return error instanceof Error && /^(NOAUTH|WRONGPASS|NOPERM)\b/.test(error.message);
}
