import { readFileSync } from 'node:fs';

/** Files, Valkey and other workers need some, too. */
const filesOfOurOwn = 500;
const mostConnections = 50_000;
/** Where the system does not say how many files may be open. */
const connectionsUnknown = 10_000;

/** For how many connections the limit of open files leaves room. Node raises that limit as far as the system lets it. */
export function roomForConnections(files: number | null = openFileLimit()): number {
  if (files === null) return connectionsUnknown;
  return Math.min(mostConnections, Math.max(Math.floor(files / 2), files - filesOfOurOwn));
}

/** Null: it is not known. */
function openFileLimit(): number | null {
  try {
    const [, limit = ''] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return limit === '' ? null : Number(limit);
  } catch {
    return null;
  }
}
