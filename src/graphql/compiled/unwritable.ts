/** What an operation comes to has no place in the answers that compiled operations write: the reference has to say what is wrong. */
export class UnwritableError extends Error {
  override readonly name = 'UnwritableError';
}

/** @throws UnwritableError */
export function unwritable(what: string): never {
  throw new UnwritableError(what);
}
