import type { Reply } from './resp.ts';

/**
 * What must have become of a write before it is acknowledged: it is in the server's memory; it is on its disk; or so many replicas have it
 * in theirs.
 */
export type Acknowledgement =
  | { readonly kind: 'memory' }
  | { readonly kind: 'fsync' }
  | { readonly kind: 'replica'; readonly replicas: number };

export const inMemory: Acknowledgement = { kind: 'memory' };

/** For how long it is waited for. */
const patienceMs = 2_000; // 2 seconds

/** A write was done, and has not been confirmed as it was to be in time: it may be lost yet. */
export class UnconfirmedError extends Error {
  override readonly name = 'UnconfirmedError';
  readonly code = 'UNCONFIRMED';
}

/** The command that waits until all that was written before it on the same connection is acknowledged so; null: none is needed. */
export function confirmation(wanted: Acknowledgement): readonly [name: string, ...args: number[]] | null {
  switch (wanted.kind) {
    case 'memory':
      return null;
    case 'fsync':
      return ['WAITAOF', 1, 0, patienceMs];
    case 'replica':
      return ['WAIT', wanted.replicas, patienceMs];
  }
}

/** In words that clients may hear. */
function refusalOf({ message }: Error): string {
  if (message.startsWith('UNBLOCKED')) return 'Valkey became a replica before it was confirmed';
  if (/appendonly/.test(message)) return 'Valkey cannot confirm it: it keeps no append-only file';
  return 'Valkey cannot confirm it';
}

/** What the answer to that command lacks; null: nothing. */
export function shortfall(wanted: Acknowledgement, answer: Reply | undefined): Error | null {
  // What was written before it is in, whatever this answer says.
  if (answer instanceof Error) return new UnconfirmedError(refusalOf(answer), { cause: answer });
  switch (wanted.kind) {
    case 'memory':
      return null;
    case 'fsync':
      return Array.isArray(answer) && answer[0] >= 1
        ? null
        : new UnconfirmedError('Valkey did not confirm in time that it is on disk');
    case 'replica':
      return typeof answer === 'number' && answer >= wanted.replicas
        ? null
        : new UnconfirmedError(`${answer} of ${wanted.replicas} replicas have confirmed it in time`);
  }
}
