import { type IncomingMessage, type OutgoingHttpHeader, type OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Caller } from '../../access/index.ts';
import type { Span } from '../../measure/index.ts';
import { begunOf } from '../plain/socket-stand-in.ts';
import { requestIdFrom } from '../request-id.ts';

type Headers = OutgoingHttpHeaders | OutgoingHttpHeader[];

/** A response of this server: it bears what all of them have, whichever way its request is answered. */
export class ApiResponse<Request extends IncomingMessage = IncomingMessage> extends ServerResponse<Request> {
  /** By `performance.now()`. */
  readonly begunAt: number;
  readonly requestId: string;
  /** Null: it is not traced, or not yet. */
  span: Span | null;
  /** Null: it is not known who asks, or nobody wanted to know. */
  caller: Caller | null = null;

  constructor(request: Request) {
    super(request);
    const begun = begunOf(request);
    this.begunAt = begun?.begunAt ?? performance.now();
    this.requestId = begun?.requestId ?? requestIdFrom(request.headers['x-request-id']);
    this.span = begun?.span ?? null;
  }

  override writeHead(status: number, reason?: string | Headers, headers?: Headers): this {
    const given = typeof reason === 'string' ? headers : (headers ?? reason);
    if (Array.isArray(given)) {
      // Written as they are. Headers that are set one by one are looked up, checked and put together again.
      given.push('x-request-id', this.requestId, 'x-content-type-options', 'nosniff');
    } else {
      this.setHeader('x-request-id', this.requestId);
      this.setHeader('x-content-type-options', 'nosniff');
    }
    return typeof reason === 'string' ? super.writeHead(status, reason, given) : super.writeHead(status, given);
  }
}
