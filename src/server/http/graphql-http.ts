import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { Caller } from '../../access/index.ts';
import type { Ahead } from '../../graphql/index.ts';
import { type TraceHeaders, tracer } from '../../measure/index.ts';
import { type Arrival, arrive } from '../arrival.ts';
import { type GraphQLPipeline, graphqlPath } from '../graphql/pipeline.ts';
import type { RequestContext } from '../graphql/request-context.ts';
import { shownResult } from '../graphql/shown-result.ts';
import type { Guard } from '../guard/guard.ts';
import type { RequestRoom } from '../guard/room.ts';
import { answerPreflight } from '../origin/preflight.ts';
import { graphiqlPage, wantsPage } from '../pages/graphiql.ts';
import { begunOf } from '../plain/socket-stand-in.ts';
import type { Client } from '../rates/rate-limiter.ts';
import { endRequest, requestSpan, within } from '../request-span.ts';
import { searchProblem } from '../request-target.ts';
import type { ServerCounts } from '../server-counts.ts';
import type { EventStream } from '../sse/event-stream.ts';
import { EventStreams, forwardToStream, sendNoStream, streamToken } from '../sse/event-streams.ts';
import type { OtherWorkers } from '../sse/other-workers.ts';
import { StreamOperation } from '../sse/stream-operation.ts';
import type { ApiResponse } from './api-response.ts';
import { dropBody, readBody } from './body.ts';
import { send, sendFetchResponse, sendProtocolError } from './http-response.ts';
import { needsStream } from './http-streams.ts';
import { negotiate, unsupportedBody } from './media-types.ts';
import { sendForeignPage, sendTooMany, sendTooManyRequests } from './refusals.ts';
import { acceptedTypes, contentTypes, resultTypes } from './result-types.ts';
import { SentBody } from './sent-body.ts';

export interface GraphQLOverHttpOptions {
  readonly pipeline: GraphQLPipeline;
  readonly log: Logger;
  readonly counts: ServerCounts;
  readonly guard: Guard;
  /** A larger body is refused. */
  readonly bodyLimitBytes: number;
  /** Whether GraphiQL is served to browsers. */
  readonly graphiql: boolean;
  /** Default: there are none. */
  readonly otherWorkers?: OtherWorkers | undefined;
}

/** What is asked by GET or POST; an event stream is reserved by PUT, and an operation on it ended by DELETE. */
const methods: readonly string[] = ['GET', 'POST', 'PUT', 'DELETE'];

/** An operation that came by HTTP. */
interface ReceivedOperation {
  readonly caller: Caller;
  readonly search: string;
  /** The media types that its client takes, the preferred first. */
  readonly types: readonly string[];
  /** Null: it came by GET. */
  readonly sent: SentBody | null;
  readonly room: RequestRoom;
  /** By `performance.now()`. */
  readonly receivedAt: number;
  readonly client: Client;
  readonly ahead: Ahead | null;
}

/** GraphQL over HTTP, and over SSE in both its modes; to a browser, GraphiQL. */
export class GraphQLOverHttp {
  readonly #pipeline: GraphQLPipeline;
  readonly #eventStreams: EventStreams;
  readonly #otherWorkers: OtherWorkers | undefined;
  readonly #log: Logger;
  readonly #counts: ServerCounts;
  readonly #guard: Guard;
  readonly #bodyLimitBytes: number;
  readonly #servesGraphiql: boolean;
  #draining = false;

  constructor({ pipeline, log, counts, guard, bodyLimitBytes, graphiql, otherWorkers }: GraphQLOverHttpOptions) {
    this.#counts = counts;
    this.#pipeline = pipeline;
    this.#log = log;
    this.#guard = guard;
    this.#bodyLimitBytes = bodyLimitBytes;
    this.#servesGraphiql = graphiql;
    this.#otherWorkers = otherWorkers;
    this.#eventStreams = new EventStreams({
      tokenPrefix: otherWorkers?.tokenPrefix ?? '',
      log,
      counts,
      entrance: pipeline.entrance,
      refusals: guard.refusals,
      shown: shownResult,
      failed: (error) => shownResult({ errors: [pipeline.mask(error)] }),
    });
  }

  /** Of event streams in single connection mode. */
  get eventStreams(): EventStreams['load'] {
    return this.#eventStreams.load;
  }

  /** Takes no new streams; what is under way goes on. */
  drain(): void {
    this.#draining = true;
    this.#eventStreams.drain();
  }

  /** Waits until what is under way on reserved streams was sent. Subscriptions must have been ended. */
  close(): Promise<void> {
    return this.#eventStreams.close();
  }

  /** Answers a request at the path of GraphQL. */
  async answer(search: string, request: IncomingMessage, response: ApiResponse): Promise<void> {
    const { method = 'GET', headers } = request;
    const { entrance } = this.#pipeline;
    const { waitMs, found } = await this.#arrival(request);
    if (waitMs > 0) return this.#refuse(request, response, waitMs);
    if (!methods.includes(method)) {
      if (answerPreflight(request, response, { methods, origins: this.#guard.origins })) return;
      response.setHeader('allow', methods.join(', '));
      return sendProtocolError(response, 405, `${graphqlPath} takes ${methods.join(', ')}`);
    }
    const token = streamToken(headers, search);
    if (this.#servesGraphiql && token === null && wantsPage(request)) return this.#graphiql(response);
    if (method === 'GET' && this.#guard.origins.isForeign(headers)) return sendForeignPage(response);
    const caller = await entrance.admit(found, request, response);
    if (caller === null) return;
    if (method === 'PUT') return this.#reserve(request, response, caller);
    if (token === null && method !== 'DELETE') return this.#operation(search, request, response, caller, null);
    const opens = method === 'GET' && acceptedTypes(headers.accept)[0] === 'text/event-stream';
    const { connections } = this.#guard;
    if (opens && !connections.admitStream(request, response)) return sendTooMany(response, connections.tooMany);
    const elsewhere = token === null ? null : this.#otherWorkers?.socketFor(token);
    if (elsewhere) return forwardToStream(elsewhere, request, response);
    const stream = token === null ? null : this.#eventStreams.find(token, caller);
    if (!stream) return sendNoStream(response);
    if (method === 'DELETE') return this.#eventStreams.end(stream, search, response);
    if (opens) return this.#eventStreams.open(stream, response, caller);
    return this.#operation(search, request, response, caller, stream);
  }

  #arrival(request: IncomingMessage): Arrival | Promise<Arrival> {
    const waitMs = begunOf(request)?.waitMs ?? null;
    if (waitMs !== null) return { waitMs, found: null };
    const { authorization } = request.headers;
    return arrive({ entrance: this.#pipeline.entrance, guard: this.#guard, authorization, request });
  }

  async #refuse(request: IncomingMessage, response: ServerResponse, waitMs: number): Promise<void> {
    // Most clients write all before they read: what is sent beside an answer may cost them the answer.
    if (!begunOf(request)) await dropBody(request, this.#bodyLimitBytes).catch(() => {});
    if (!request.complete) response.setHeader('connection', 'close');
    sendTooManyRequests(response, waitMs);
  }

  #reserve(request: IncomingMessage, response: ApiResponse, caller: Caller): void {
    const takesToken = negotiate(request.headers.accept, ['text/plain']).length > 0;
    const client = this.#guard.clientOfRequest(caller, request).name;
    if (takesToken) this.#eventStreams.reserve(response, response.requestId, caller, client);
    else sendProtocolError(response, 406, 'The token of an event stream comes as text/plain: accept that');
  }

  /** @param stream where the results go; null: the response. */
  #operation(
    search: string,
    request: IncomingMessage,
    response: ApiResponse,
    caller: Caller,
    stream: EventStream | null,
  ): Promise<void> {
    if (tracer.current === null) return this.#run(search, request, response, caller, stream);
    const { method = 'GET', headers } = request;
    response.span ??= requestSpan(method, traceHeaders(headers));
    const run = () => this.#run(search, request, response, caller, stream);
    return within(response.span, run).finally(() => endRequest(response.span, response.statusCode));
  }

  async #run(
    search: string,
    request: IncomingMessage,
    response: ApiResponse,
    caller: Caller,
    stream: EventStream | null,
  ): Promise<void> {
    const { method = 'GET', headers } = request;
    // All that can be refused is refused before anything runs: a refused mutation must not have happened.
    const post = method === 'POST';
    const types = acceptedTypes(headers.accept);
    const [type] = types;
    if (type === undefined) {
      return sendProtocolError(response, 406, `Results come as ${resultTypes.join(', ')}: accept one of them`);
    }
    const unsupported = post && unsupportedBody(headers);
    if (unsupported) return sendProtocolError(response, 415, unsupported);
    const problem = searchProblem(search);
    if (problem) return sendProtocolError(response, 400, problem);
    const client = this.#guard.clientOfRequest(caller, request);
    const room = this.#guard.room.for(client.name);
    try {
      const sent = post ? (begunOf(request)?.sent ?? (await this.#read(request, room))) : null;
      const receivedAt = performance.now();
      const plainType = stream ? undefined : contentTypes[type];
      const ran = sent && plainType ? await this.#pipeline.shortWay.run(sent, caller, client) : null;
      if (plainType && ran?.kind === 'written') return send(response, 200, plainType, `{"data":${ran.data}}`);
      this.#pipeline.shortWay.counts.reference += 1;
      const ahead = ran?.kind === 'left' ? ran.ahead : null;
      const told = { caller, client, search, types, sent, room, receivedAt, ahead };
      return await this.#askReference(told, request, response, stream && new StreamOperation(stream));
    } finally {
      room.release();
    }
  }

  async #read(request: IncomingMessage, room: RequestRoom): Promise<SentBody> {
    return new SentBody(await readBody(request, this.#bodyLimitBytes, room));
  }

  /** Has Yoga answer it. */
  async #askReference(
    { caller, client, search, types, sent, room, receivedAt, ahead }: ReceivedOperation,
    request: IncomingMessage,
    response: ApiResponse,
    operation: StreamOperation | null,
  ): Promise<void> {
    const { requestId } = response;
    const { method = 'GET', headers } = request;
    const { yoga } = this.#pipeline;
    const { connections } = this.#guard;
    const paid = sent?.paid ?? false;
    const known = { paid, ...(sent && { sent }), ...(ahead && { ahead }) };
    const answer = await yoga.handleRequest(
      // Not at the address that the Host header says: it is the client's to invent.
      new yoga.fetchAPI.Request(`http://localhost${graphqlPath}${search}`, {
        method,
        headers: {
          ...(headers as Record<string, string>),
          // Of what is for a stream, only a mistake is answered here, and by a status that says so.
          accept: operation ? 'application/graphql-response+json' : types.join(', '),
          ...(sent && { 'content-type': 'application/json' }),
        },
        ...(sent && !sent.parsed && { body: sent.text }),
      }),
      {
        requestId,
        caller,
        client,
        receivedAt,
        http: operation
          ? { protocol: 'sse', closed: operation.ended, takesStream: true, operation, ...known }
          : {
              protocol: types[0] === 'text/event-stream' ? 'sse' : 'http',
              closed: closing(response),
              takesStream: types.includes('text/event-stream'),
              stayOpen: () => (connections.admitStream(request, response) ? null : connections.tooMany),
              endIfCutShort: () => {
                // After what has just been read of the stream is written.
                if (this.#draining) setImmediate(() => response.end());
                return this.#draining;
              },
              ...known,
            },
      } satisfies RequestContext,
    );
    room.release(); // a stream needs nothing more of what was sent
    operation?.settle();
    endRequest(response.span, answer.status); // a stream may go on for days
    // Of what takes some result, only a subscription may still be refused.
    if (answer.status === 406) return sendProtocolError(response, 406, needsStream);
    await sendFetchResponse(answer, response, () => {
      this.#counts.tooSlow.sse += 1;
      this.#log.info({ requestId }, 'A stream takes nothing of what it is sent; closing it');
    });
  }

  async #graphiql(response: ServerResponse): Promise<void> {
    const { bytes, policy } = await graphiqlPage();
    response.setHeader('cache-control', 'private, max-age=3600');
    response.setHeader('content-security-policy', policy);
    response.setHeader('vary', 'accept');
    send(response, 200, 'text/html; charset=utf-8', bytes);
  }
}

function traceHeaders({ traceparent, tracestate }: IncomingMessage['headers']): TraceHeaders {
  // Several that disagree Node has joined: that is none.
  return { traceparent: String(traceparent ?? ''), tracestate: String(tracestate ?? '') };
}

/** Aborts when the response is over, or its client has left. */
function closing(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  response.once('close', () => controller.abort());
  if (response.destroyed) controller.abort();
  return controller.signal;
}
