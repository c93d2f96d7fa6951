import type { RecordStatus } from '../engine/index.ts';
import { Latencies, type LatencyCounts } from './latencies.ts';

/** Events by what became of them. */
export type EventCounts = { readonly [S in RecordStatus]: number };

/** What a process holds open at a moment. */
export interface ActivityHeld {
  /** Subscriptions to views, and how many vectors they watch. */
  readonly watchers: number;
  readonly watchedEntities: number;
  /** Why changes cannot be heard or read, in words; null while they can. */
  readonly storeProblem: string | null;
}

/** What one process of a service did over a stretch of time, and what it holds at the end. Can be sent as JSON, and added up. */
export interface ActivityPart extends ActivityHeld {
  readonly events: EventCounts;
  /** Vectors that were read for queries. */
  readonly reads: number;
  /** Of queries and mutations that were answered. */
  readonly latencies: LatencyCounts;
}

/** What a service, all its processes together, did over a stretch of time. */
export interface ActivitySample extends ActivityHeld {
  /** When the stretch ended. */
  readonly at: Date;
  readonly seconds: number;
  readonly events: EventCounts;
  readonly reads: number;
  /** Queries and mutations that were answered, and how long that took, in milliseconds; null if there were none. */
  readonly requests: number;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

export const noEvents: EventCounts = { RECORDED: 0, DUPLICATE: 0, TOO_LATE: 0, REJECTED: 0, UNAVAILABLE: 0 };

/** Adds up what the processes of a service did over the same stretch, which has just ended. */
export function addUp(parts: readonly ActivityPart[], seconds: number): ActivitySample {
  const sum = (of: (part: ActivityPart) => number) => parts.reduce((total, part) => total + of(part), 0);
  const latencies = new Latencies();
  for (const part of parts) latencies.add(part.latencies);
  return {
    at: new Date(),
    seconds,
    events: {
      RECORDED: sum(({ events }) => events.RECORDED),
      DUPLICATE: sum(({ events }) => events.DUPLICATE),
      TOO_LATE: sum(({ events }) => events.TOO_LATE),
      REJECTED: sum(({ events }) => events.REJECTED),
      UNAVAILABLE: sum(({ events }) => events.UNAVAILABLE),
    },
    reads: sum(({ reads }) => reads),
    requests: latencies.count,
    p50Ms: latencies.percentile(50),
    p99Ms: latencies.percentile(99),
    watchers: sum(({ watchers }) => watchers),
    watchedEntities: sum(({ watchedEntities }) => watchedEntities),
    storeProblem: parts.find(({ storeProblem }) => storeProblem !== null)?.storeProblem ?? null,
  };
}
