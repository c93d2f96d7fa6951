/** Thrown while compiling: the operation has something that only the reference knows how to do. */
export class NotCompilableError extends Error {
  override readonly name = 'NotCompilableError';
}
