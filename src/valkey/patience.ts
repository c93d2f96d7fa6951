import type { Redis } from 'iovalkey';

/** For how long Valkey is waited for, unless a connection has it otherwise. */
export const defaultPatienceMs = 3_000; // 3 seconds

/** For how long an answer is waited for on this connection. */
export function patienceOf({ options }: Redis): number {
  return options.commandTimeout ?? defaultPatienceMs;
}
