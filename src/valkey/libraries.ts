import type { Redis } from 'iovalkey';
import { primariesOf } from './primaries.ts';

/** A function library that some primary has. */
export interface LoadedLibrary {
  readonly name: string;
  readonly code: string;
}

/**
 * The function libraries whose names begin so, of all primaries, each once, by their names. It takes the right to call
 * FUNCTION, as loading them does.
 */
export async function loadedLibraries(valkey: Redis, start: string): Promise<LoadedLibrary[]> {
  const found = new Map<string, LoadedLibrary>();
  for (const primary of primariesOf(valkey)) {
    const reply = await primary.call('FUNCTION', 'LIST', 'LIBRARYNAME', `${start}*`, 'WITHCODE');
    for (const entry of reply as readonly (readonly unknown[])[]) {
      const [name, code] = [valueAfter(entry, 'library_name'), valueAfter(entry, 'library_code')];
      found.set(name, { name, code });
    }
  }
  return [...found.values()].sort((one, other) => (one.name < other.name ? -1 : 1));
}

/** Removes a function library from every primary that has it. */
export async function removeLibrary(valkey: Redis, name: string): Promise<void> {
  for (const primary of primariesOf(valkey)) {
    try {
      await primary.call('FUNCTION', 'DELETE', name);
    } catch (error) {
      if (!(error instanceof Error && /library not found/i.test(error.message))) throw error;
    }
  }
}

/** All keys that match a pattern, of all primaries; Valkey looks at a thousand at a time. */
export async function* scanKeys(valkey: Redis, pattern: string): AsyncGenerator<string> {
  for (const primary of primariesOf(valkey)) {
    for await (const keys of primary.scanStream({ match: pattern, count: 1_000 })) yield* keys as string[];
  }
}

/** Of a reply that is names and values in turn. */
function valueAfter(entry: readonly unknown[], name: string): string {
  return String(entry[entry.indexOf(name) + 1]);
}
