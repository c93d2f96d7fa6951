import { isUnanswered } from '../unanswered.ts';
import { unavailableReason } from '../unavailable.ts';

/**
 * Whether a cluster may answer in a moment, by another node or once it has settled: the key has moved, or is moving, or its primary
 * is gone and not replaced yet. What was not answered, or not acknowledged, in time has taken its time already.
 */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (/^(MOVED|ASK|TRYAGAIN|CLUSTERDOWN|READONLY|MASTERDOWN)\b|non local key/.test(error.message)) return true;
  return unavailableReason(error) !== null && !isUnanswered(error) && !/^[A-Z]+ /.test(error.message);
}

/** Whether it says that somebody else has the key. */
export function isMoved(error: unknown): boolean {
  return error instanceof Error && /^(MOVED|READONLY)\b/.test(error.message);
}
