import { type IncomingMessage, type OutgoingHttpHeader, type OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Caller } from '../../access/index.ts';
import type { Span } from '../../measure/index.ts';
import { begunOf } from '../plain/socket-stand-in.ts';
import { requestIdFrom } from '../request-id.ts';
import { defaultCacheControl, type ResponseHeaders } from '../response-headers.ts';

type Headers = OutgoingHttpHeaders | OutgoingHttpHeader[];

/** A response of this server: it bears what all of them have, whichever way its request is answered. */
export abstract class ApiResponse<Request extends IncomingMessage = IncomingMessage> extends ServerResponse<Request> {
  /** By `performance.now()`. */
  readonly begunAt: number;
  readonly requestId: string;
  /** Null: it is not traced, or not yet. */
  span: Span | null;
  /** Null: it is not known who asks, or nobody wanted to know. */
  caller: Caller | null = null;
  protected abstract readonly all: ResponseHeaders;

  constructor(request: Request) {
    super(request);
    const begun = begunOf(request);
    this.begunAt = begun?.begunAt ?? performance.now();
    this.requestId = begun?.requestId ?? requestIdFrom(request.headers['x-request-id']);
    this.span = begun?.span ?? null;
  }

  /** The responses of a server: Node makes them, and knows but their class. */
  static bearing(all: ResponseHeaders) {
    return class<Request extends IncomingMessage = IncomingMessage> extends ApiResponse<Request> {
      protected get all(): ResponseHeaders {
        return all;
      }
    };
  }

  override writeHead(status: number, reason?: string | Headers, headers?: Headers): this {
    const given = typeof reason === 'string' ? headers : (headers ?? reason);
    const { pairs } = this.all.to(this.req.headers.origin);
    const isKeptAsSaid = this.hasHeader('cache-control');
    if (this.all.variesByOrigin) this.#varyByOrigin();
    if (Array.isArray(given)) {
      // Written as they are. Headers that are set one by one are looked up, checked and put together again.
      given.push('x-request-id', this.requestId, ...pairs);
      if (!isKeptAsSaid) given.push('cache-control', defaultCacheControl);
    } else {
      this.setHeader('x-request-id', this.requestId);
      for (let i = 0; i < pairs.length; i += 2) this.setHeader(pairs[i] as string, pairs[i + 1] as string);
      if (!isKeptAsSaid) this.setHeader('cache-control', defaultCacheControl);
    }
    return typeof reason === 'string' ? super.writeHead(status, reason, given) : super.writeHead(status, given);
  }

  #varyByOrigin(): void {
    const others = this.getHeader('vary');
    this.setHeader('vary', others === undefined ? 'origin' : `${others}, origin`);
  }
}
