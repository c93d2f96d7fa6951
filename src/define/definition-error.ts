/** A definition in `schema/` that cannot be served. The message names the view and feature and says what to change. */
export class DefinitionError extends Error {
  override readonly name = 'DefinitionError';
  readonly code = 'DEFINITION_INVALID';
}
