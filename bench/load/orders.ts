import type { ClosedLoopOptions, ClosedLoopRun } from './closed-loop.ts';
import type { OpenLoopOptions, OpenLoopRun } from './open-loop.ts';
import type { LoadRequest } from './request.ts';
import type { WrongReply } from './target.ts';

/** What the bench asks of the generator's process, and what it is answered; each order is done before the next. */
export type Order =
  | { readonly kind: 'target'; readonly name: string; readonly port: number; readonly requests: readonly LoadRequest[] }
  | { readonly kind: 'learn'; readonly name: string; readonly connections: number; readonly requests: number }
  | ({ readonly kind: 'closed'; readonly name: string } & ClosedLoopOptions)
  | ({ readonly kind: 'open'; readonly name: string } & OpenLoopOptions);

export interface Answers {
  readonly target: null;
  /** The body of each request. */
  readonly learn: readonly Buffer[];
  readonly closed: ClosedLoopRun;
  readonly open: OpenLoopRun;
}

/** The answer to an order, and what the target has come to. */
export type Answered<Kind extends keyof Answers> =
  | {
      readonly answer: Answers[Kind];
      readonly wrongCount: number;
      readonly wrong: readonly WrongReply[];
      readonly events: number;
    }
  | { readonly failure: string };
