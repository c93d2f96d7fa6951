/** What the user got wrong in calling a command: what, and what is expected instead. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly code = 'USAGE';
}
