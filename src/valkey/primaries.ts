import type { Redis } from 'iovalkey';

/** The servers that take writes, each of which keeps functions of its own. A single Valkey is the only one. */
export function primariesOf(valkey: Redis): readonly Redis[] {
  return [valkey];
}
