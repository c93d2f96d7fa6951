import { UnconfirmedError } from './acknowledgement.ts';

/**
 * Whether something has waited as long as anything may, for an answer or for an acknowledgement: whoever asks the same server now is likely
 * to wait as long. What was sent may have happened.
 */
export function isUnanswered(error: unknown): boolean {
  if (error instanceof UnconfirmedError) return true;
  return error instanceof Error && /timed out|timeout/i.test(error.message);
}
