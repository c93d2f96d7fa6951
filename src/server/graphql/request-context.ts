import type { Caller } from '../../access/index.ts';
import type { Ahead, OperationKind, Protocol } from '../../graphql/index.ts';
import type { SentBody } from '../http/sent-body.ts';
import type { Client, Paid } from '../rates/rate-limiter.ts';
import type { StreamOperation } from '../sse/stream-operation.ts';

/** What a protocol hands over. */
export interface RequestContext {
  readonly requestId: string;
  /** Who asks. */
  readonly caller: Caller;
  /** By whom it is counted. */
  readonly client: Client;
  /** When all of it had come, by `performance.now()`. */
  readonly receivedAt: number;
  /** Only of a request by HTTP. */
  readonly http?: {
    readonly protocol: Exclude<Protocol, 'websocket'>;
    /** Noted once it is executed. */
    operationKind?: OperationKind;
    /** What was sent as a body; none once a subscription has begun by it. */
    readonly sent?: SentBody;
    /** What was done already of the operation. */
    readonly ahead?: Ahead;
    /** What was said already when it was to be paid for. */
    readonly paid?: Paid;
    /** Aborts when the response is over, or the client has left or wants no more. */
    readonly closed: AbortSignal;
    /** Whether the client takes a stream. */
    readonly takesStream: boolean;
    /** Asked when a subscription has ended: whether that is the server's doing, and the response is now over without it. */
    readonly endIfCutShort?: () => boolean;
    /** Asked when the response is to stay open: null if it may, or why not. Absent: it does not. */
    readonly stayOpen?: () => string | null;
    /** Only of an operation whose results go to a stream that the client has reserved. */
    readonly operation?: StreamOperation;
  };
}
