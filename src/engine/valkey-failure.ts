import { unavailableReason } from '../valkey/index.ts';
import { LogFaultError, UnavailableError } from './outcome.ts';

/**
 * Runs what asks Valkey for something.
 * @throws UnavailableError where Valkey could not be reached or would not serve; anything else as it was thrown.
 */
export async function orUnavailable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw failureOf(error);
  }
}

/** What has failed because Valkey could not be reached, or would not serve, as an UnavailableError; anything else as it is. */
export function failureOf(error: unknown): Error {
  const reason = unavailableReason(error);
  if (reason !== null) return new UnavailableError(reason, { cause: error });
  return error instanceof Error ? error : new Error(String(error));
}

/** What Valkey said of one log alone, as its error: it cannot serve now, or what is stored there cannot be used. */
export function logFailure(logKey: string, reason: string): UnavailableError | LogFaultError {
  const passing = unavailableReason(new Error(reason));
  return passing === null ? new LogFaultError(`${logKey}: ${reason}`) : new UnavailableError(passing);
}
