import type { KeyEntry } from './api-key.ts';
import { AccessConfigError } from './errors.ts';
import { parseScope } from './scope.ts';

/** Of a name, which is told in logs and errors. */
const longestName = 100;
const fields: readonly string[] = ['name', 'sha256', 'scopes', 'expiresAt'];
const dateTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;

/**
 * Reads `{ "keys": [{ "name", "sha256", "scopes", "expiresAt"? }] }`.
 * @param where for errors: the path of the file, or the name of the variable.
 * @throws AccessConfigError with everything that is wrong, each with the entry in which it is.
 */
export function parseKeyList(text: string, where: string): readonly KeyEntry[] {
  const list = keysIn(text, where);
  const problems: string[] = [];
  const entries = list.map((entry, i) => {
    const found = problemsOf(entry);
    problems.push(...found.map((problem) => `${placeOf(entry, i)}: ${problem}`));
    return entry as KeyEntry;
  });
  if (problems.length === 0) problems.push(...repeated(entries, 'name'), ...repeated(entries, 'sha256'));
  if (problems.length > 0) throw new AccessConfigError(where, problems);
  return entries;
}

function keysIn(text: string, where: string): readonly unknown[] {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    throw new AccessConfigError(where, ['is not JSON']); // what the parser says of it may hold some of it
  }
  const keys = isObject(list) && Object.keys(list).length === 1 ? list.keys : undefined;
  if (!Array.isArray(keys)) throw new AccessConfigError(where, ['expected {"keys": [...]} and nothing beside it']);
  return keys;
}

function problemsOf(entry: unknown): readonly string[] {
  if (!isObject(entry)) return ['expected an object'];
  const { name, sha256, scopes, expiresAt } = entry;
  const unknownField = Object.keys(entry).find((field) => !fields.includes(field));
  return [
    unknownField !== undefined && `has a field ${JSON.stringify(unknownField)}; known are ${fields.join(', ')}`,
    !isName(name) && `name must be 1 to ${longestName} characters without control characters`,
    !(typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256)) &&
      'sha256 must be 64 hexadecimal digits in lower case, of the whole key; npm run key prints them',
    ...scopeProblems(scopes),
    expiresAt !== undefined &&
      !isDateTime(expiresAt) &&
      'expiresAt must be a date and time with its offset, such as 2027-01-31T00:00:00Z',
  ].filter((one) => one !== false);
}

function scopeProblems(scopes: unknown): readonly string[] {
  if (!Array.isArray(scopes) || scopes.length === 0) return ['scopes must be a list with at least one scope'];
  return scopes.flatMap((scope: unknown) => {
    if (typeof scope !== 'string') return ['scopes must be strings'];
    try {
      parseScope(scope);
      return [];
    } catch (error) {
      return [(error as Error).message];
    }
  });
}

function repeated(entries: readonly KeyEntry[], field: 'name' | 'sha256'): readonly string[] {
  const counted = Map.groupBy(entries, (entry) => entry[field]);
  // A hash is told of by the names of its keys.
  return [...counted.values()]
    .filter((those) => those.length > 1)
    .map((those) => `${those.map(({ name }) => JSON.stringify(name)).join(' and ')} have the same ${field}`);
}

function placeOf(entry: unknown, i: number): string {
  return isObject(entry) && isName(entry.name) ? `key ${JSON.stringify(entry.name)}` : `keys[${i}]`;
}

function isName(name: unknown): name is string {
  return typeof name === 'string' && name.length > 0 && name.length <= longestName && !/\p{Cc}/u.test(name);
}

function isDateTime(value: unknown): boolean {
  return typeof value === 'string' && dateTime.test(value) && !Number.isNaN(Date.parse(value));
}

function isObject(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
