import { Redis } from 'iovalkey';

/** How a contender that is not ours is started: as JSON, its only argument. */
export interface PeerSettings {
  readonly host: string;
  readonly port: number;
  readonly keyPrefix: string;
  /** Whether the client sends what is asked in one tick as one pipeline. */
  readonly autoPipelining: boolean;
}

export const settings: PeerSettings = JSON.parse(process.argv[2] ?? '{}');

export function connectValkey(): Redis {
  const { host, port, autoPipelining } = settings;
  return new Redis({ host, port, enableAutoPipelining: autoPipelining });
}

/** Longer than any pause between two turns of a contender. */
export const keepAliveMs = 600_000; // 10 minutes

/** Says where it listens, which is what the bench waits for. */
export function announce(port: number): void {
  process.stdout.write(`listens on http://127.0.0.1:${port}/graphql\n`);
}
