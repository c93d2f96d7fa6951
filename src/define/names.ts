import { DefinitionError } from './definition-error.ts';

/** `txnCount24h` is `txn_count_24h`: a word starts at a capital, and at a number. */
export function snakeCase(camel: string): string {
  return camel
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/([A-Za-z])([0-9])/g, '$1_$2')
    .toLowerCase();
}

/** `user_risk_profile` is `UserRiskProfile`. */
export function pascalCase(snake: string): string {
  return snake.replace(/(?:^|_)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** `UserRiskProfile` is `userRiskProfile`. */
export function camelCase(pascal: string): string {
  return pascal.charAt(0).toLowerCase() + pascal.slice(1);
}

/** A GraphQL type's name; names beginning with two underscores belong to introspection. */
export function assertTypeName(name: string, where: string): void {
  if (!/^[A-Z][A-Za-z0-9]*$/.test(name)) {
    throw new DefinitionError(`${where}: the name must be in PascalCase, such as 'CardTransaction'`);
  }
}

/** A field of an event, a feature or a derived value. */
export function assertFieldName(name: string, where: string): void {
  if (!/^[a-z][A-Za-z0-9]*$/.test(name)) {
    throw new DefinitionError(`${where}: the name must be in camelCase, such as 'txnCount1h'`);
  }
  // GraphQL, too, would find the inherited one in an input that leaves the field out.
  if (name in Object.prototype) {
    throw new DefinitionError(`${where}: every object in JavaScript has a ${name} already; choose another name`);
  }
}

/** The name of a stored feature is a value of its view's enum too, for which GraphQL reserves some words. */
export function assertEnumValue(name: string, where: string): void {
  if (name === 'true' || name === 'false' || name === 'null') {
    throw new DefinitionError(`${where}: GraphQL keeps the word ${name} to itself; choose another name`);
  }
}

/** A view's name, also a part of its keys. */
export function assertViewName(name: string): void {
  if (!/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/.test(name)) {
    throw new DefinitionError(`view ${name}: the name must be in snake_case, such as 'user_risk_profile'`);
  }
}
