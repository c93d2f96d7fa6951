import type { Servers } from './servers.ts';

/** A function library that some primary has. */
export interface LoadedLibrary {
  readonly name: string;
  readonly code: string;
}

/**
 * The function libraries whose names begin so, of all primaries, each once, by their names. It takes the right to call
 * FUNCTION, as loading them does.
 */
export async function loadedLibraries(servers: Servers, start: string): Promise<LoadedLibrary[]> {
  const found = new Map<string, LoadedLibrary>();
  for (const { valkey } of servers.all) {
    const reply = await valkey.call('FUNCTION', 'LIST', 'LIBRARYNAME', `${start}*`, 'WITHCODE');
    for (const entry of reply as readonly (readonly unknown[])[]) {
      const [name, code] = [valueAfter(entry, 'library_name'), valueAfter(entry, 'library_code')];
      found.set(name, { name, code });
    }
  }
  return [...found.values()].sort((one, other) => (one.name < other.name ? -1 : 1));
}

/** Removes a function library from every primary that has it. */
export async function removeLibrary(servers: Servers, name: string): Promise<void> {
  for (const { valkey } of servers.all) {
    try {
      await valkey.call('FUNCTION', 'DELETE', name);
    } catch (error) {
      if (!(error instanceof Error && /library not found/i.test(error.message))) throw error;
    }
  }
}

/** All keys that match a pattern, of all primaries; Valkey looks at a thousand at a time. */
export async function* scanKeys(servers: Servers, pattern: string): AsyncGenerator<string> {
  for (const { valkey } of servers.all) {
    for await (const keys of valkey.scanStream({ match: pattern, count: 1_000 })) yield* keys as string[];
  }
}

/** Of a reply that is names and values in turn. */
function valueAfter(entry: readonly unknown[], name: string): string {
  return String(entry[entry.indexOf(name) + 1]);
}
