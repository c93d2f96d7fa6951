/** What a worker is to do: the first that it is told. */
export interface Task {
  /** Of its place, from 1: whoever takes that place later has the same. */
  readonly number: number;
  /** Where to listen; 0: at the same free port as all the others. */
  readonly port: number;
  /** Of the embedded Valkey that the primary has started; null: the one that is configured. */
  readonly valkeyUrl: string | null;
  /** A folder in which each worker listens on a socket of its own, for the others. */
  readonly sockets: string;
}

/** What the primary says to a worker. */
export type ToWorker =
  | { readonly say: 'begin'; readonly task: Task }
  /** End in good order. */
  | { readonly say: 'end'; readonly reason: string }
  /** How many workers serve, and how many should. */
  | { readonly say: 'staffed'; readonly serving: number; readonly wanted: number; readonly lost: number }
  /** Nobody has watched the activity so far: what was counted is of no use. */
  | { readonly say: 'forget activity' }
  | { readonly say: 'give activity' }
  /** What each worker did in that time, to those that asked for it. */
  | { readonly say: 'activity'; readonly parts: readonly unknown[]; readonly seconds: number }
  /** What it has counted since its start; the answer names the inquiry. */
  | { readonly say: 'give metrics'; readonly inquiry: number }
  /** The answer to one that asked for the metrics of all: of each that has answered, and of all others together. */
  | {
      readonly say: 'metrics';
      readonly question: number;
      readonly parts: readonly unknown[];
      readonly others: unknown;
    };

/** What a worker says to the primary. */
export type ToPrimary =
  | { readonly say: 'listening'; readonly url: string }
  /** It cannot serve, and ends: why, in words for people. */
  | { readonly say: 'failed'; readonly why: string }
  /** Whether somebody watches the activity of the service there. */
  | { readonly say: 'watch activity'; readonly on: boolean }
  | { readonly say: 'activity'; readonly part: unknown }
  /** Somebody wants the metrics of all workers; the answer names the question. */
  | { readonly say: 'ask metrics'; readonly question: number }
  | { readonly say: 'metrics'; readonly inquiry: number; readonly part: unknown };

/** What it says first: from now on it hears, and what was said earlier is lost. */
export interface Joined {
  readonly say: 'joined';
}

/** Those of a shape. */
export type Saying<Message, What> = Extract<Message, { readonly say: What }>;
