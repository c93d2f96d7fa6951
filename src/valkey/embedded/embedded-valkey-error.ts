/** What can go wrong with the embedded Valkey; stable, for programs. */
export type EmbeddedValkeyErrorCode =
  | 'DATA_DIRECTORY_IN_USE'
  | 'DATA_DIRECTORY_UNUSABLE'
  | 'VALKEY_NOT_FOUND'
  | 'VALKEY_START_FAILED'
  | 'VALKEY_ENDED'
  | 'VALKEY_NOT_RUNNING'
  | 'VALKEY_ORPHAN_STUCK';

/** The embedded Valkey cannot serve. The message says what was wrong and what to do about it. */
export class EmbeddedValkeyError extends Error {
  override readonly name = 'EmbeddedValkeyError';
  readonly code: EmbeddedValkeyErrorCode;

  constructor(code: EmbeddedValkeyErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** What an error of any kind says, on one line. */
export function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).trim().replace(/\s*\n\s*/g, '; ');
}
