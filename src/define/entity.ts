import { assertTypeName } from './names.ts';

/** What features describe, such as a user. */
export interface Entity {
  /** In PascalCase, also the name of its GraphQL type: `User`. */
  readonly name: string;
  readonly description: string;
}

/** Defines an entity. */
export function entity(name: string, definition: { readonly description: string }): Entity {
  assertTypeName(name, `entity ${name}`);
  return { name, description: definition.description };
}
