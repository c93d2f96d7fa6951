/** Errors with which Valkey itself says that it cannot serve now; a retry may succeed. */
const passing =
  /^(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|MISCONF|NOREPLICAS|OOM|BUSY|UNKILLABLE|NOAUTH|WRONGPASS|-?ERR max number of clients)/;

/** What the client says when a connection is missing, closes under a command, or does not answer in time. */
const disconnected =
  /Command timed out|Connection is closed|Stream isn't writeable|max retries per request|ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|Socket closed/i;

/**
 * Why Valkey could not be reached in time, or would not serve; null when the error says something else (a bug).
 * What was sent may or may not have happened.
 */
export function unavailableReason(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  const { code } = error as NodeJS.ErrnoException;
  if (passing.test(error.message)) return `Valkey answers ${error.message}`;
  if (disconnected.test(error.message) || (code !== undefined && disconnected.test(code))) {
    return `Valkey is away: ${error.message || code}`;
  }
  return null;
}
