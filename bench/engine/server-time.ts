import type { Redis } from 'iovalkey';

/** By command, how long Valkey has worked on it, in microseconds. */
export type ServerTime = ReadonlyMap<string, number>;

/** What `INFO commandstats` says since the server's start: a function or a transaction counts also for what it calls. */
export async function serverTime(valkey: Redis): Promise<ServerTime> {
  const text = await valkey.info('commandstats');
  return new Map(
    [...text.matchAll(/^cmdstat_([^:]+):calls=\d+,usec=(\d+)/gm)].map(([, name = '', usec]) => [name, Number(usec)]),
  );
}

/** What came to it in between. */
export function elapsed(before: ServerTime, after: ServerTime): ServerTime {
  return new Map(
    [...after].map(([name, usec]) => [name, usec - (before.get(name) ?? 0)] as const).filter(([, usec]) => usec > 0),
  );
}

/** The time that these commands took together, in microseconds. */
export function timeOf(time: ServerTime, commands: readonly string[]): number {
  return commands.reduce((sum, name) => sum + (time.get(name) ?? 0), 0);
}
