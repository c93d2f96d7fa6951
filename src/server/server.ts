import { createServer, type IncomingMessage, type Server } from 'node:http';
import {
  type AddressInfo,
  createServer as createSocketServer,
  type Socket,
  type Server as SocketServer,
} from 'node:net';
import type { GraphQLSchema } from 'graphql';
import type { Logger } from 'pino';
import { type Authenticator, anyone, type Caller, isLoopback } from '../access/index.ts';
import { UnavailableError } from '../engine/index.ts';
import {
  Activity,
  type ActivityFeed,
  type ActivityHeld,
  type ActivityPart,
  type HotCounts,
  printSchemaText,
  TrustedDocuments,
} from '../graphql/index.ts';
import type { Span } from '../measure/index.ts';
import type { Backend } from './backend.ts';
import { Connections } from './connections.ts';
import { Entrance } from './entrance.ts';
import { createPipeline, graphqlPath } from './graphql/pipeline.ts';
import { Guard } from './guard/guard.ts';
import type { GuardOptions } from './guard/guard-options.ts';
import type { Refusals } from './guard/refusals.ts';
import type { Health } from './health.ts';
import { ApiResponse } from './http/api-response.ts';
import {
  BodyAbortedError,
  BodyEncodingError,
  BodyTooComplexError,
  BodyTooLargeError,
  defaultBodyLimitBytes,
  NoRoomError,
} from './http/body.ts';
import { GraphQLOverHttp } from './http/graphql-http.ts';
import { sendProtocolError } from './http/http-response.ts';
import { sendForeignHost, sendNoRoom, sendTooComplex } from './http/refusals.ts';
import type { ShortWay, WayCounts } from './http/short-way.ts';
import { listenOnPort, listenOnSocket } from './listening.ts';
import { type GatheredMetrics, Metrics, type Staff, type StoreSource } from './metrics/metrics.ts';
import type { MetricsPart } from './metrics/totals.ts';
import { Pages } from './pages/pages.ts';
import { attendPlainly } from './plain/plain-connections.ts';
import type { BucketStore } from './rates/shared-buckets.ts';
import { runAs } from './request-id.ts';
import { type RequestTarget, requestTarget } from './request-target.ts';
import { ServerCounts } from './server-counts.ts';
import { OtherWorkers, socketOf, type WorkerPlace } from './sse/other-workers.ts';
import { WebSockets } from './websocket/websocket.ts';

export interface ServerOptions {
  readonly schema: GraphQLSchema;
  /** What to serve from; throws UnavailableError while there is nothing. */
  readonly backend: () => Backend;
  readonly health: () => Promise<Health>;
  readonly store: StoreSource;
  /** Where rates are counted; default: by this process alone. */
  readonly rateStore?: BucketStore;
  readonly log: Logger;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Largest body of a request and largest WebSocket message; default 4 MiB. */
  readonly bodyLimitBytes?: number;
  /** Default: closed to pages of other origins, and bounded by defaults. */
  readonly guard?: GuardOptions;
  /** Documents that are known beforehand; default: none. */
  readonly documents?: TrustedDocuments;
  /** After how many executions an operation is compiled, and answered without Yoga; default 3. */
  readonly hotAfter?: number;
  /** Tells who asks; default: nobody is asked, and anyone may do all. */
  readonly authenticator?: Authenticator | undefined;
  /** Whether GraphiQL and introspection are served; default: they are. */
  readonly introspection?: boolean;
  /** Of one of several workers that share the port; default: nobody else has it. */
  readonly worker?: WorkerPlace;
  /** Makes a feed of what all of them do; default: there is nobody else. */
  readonly shareActivity?: (take: () => ActivityPart) => ActivityFeed;
  /** Makes what asks all of them for their metrics; default: there is nobody else. */
  readonly shareMetrics?: (give: () => Promise<MetricsPart>) => () => Promise<GatheredMetrics>;
  /** How many of them there are; default: this one. */
  readonly staff?: () => Staff;
}

/** What is logged of a request. */
interface AnsweredRequest {
  readonly requestId: string;
  readonly caller: Caller | null;
  /** By `performance.now()`. */
  readonly begunAt: number;
  readonly method: string | undefined;
  readonly path: string;
  readonly status: number;
  /** All of the response was taken; else the client has left. */
  readonly isWhole: boolean;
  /** Null: it is not traced. */
  readonly span: Span | null;
}

const justOne = (): Staff => ({ wanted: 1, serving: 1, lost: 0 });

/** GraphQL over HTTP, SSE and WebSocket, and what operators ask. */
export class ApiServer {
  readonly #options: ServerOptions;
  readonly #guard: Guard;
  readonly #activity: Activity;
  readonly #counts = new ServerCounts();
  readonly #pages: Pages;
  readonly #graphql: GraphQLOverHttp;
  readonly #shortWay: ShortWay;
  readonly #webSockets: WebSockets;
  readonly #http: Server;
  /** Where other workers hand over what is asked of our event streams. */
  readonly #fromWorkers: SocketServer;
  readonly #connections: Connections;
  /** What was refused because there was too much of it. */
  readonly refusals: Readonly<Refusals>;
  #closed: Promise<unknown> = Promise.resolve();
  #draining = false;

  private constructor(options: ServerOptions) {
    this.#options = options;
    const { log, worker, shareActivity, introspection = true } = options;
    const entrance = new Entrance(options.authenticator ?? null);
    const { bodyLimitBytes = defaultBodyLimitBytes, documents = new TrustedDocuments() } = options;
    this.#activity = new Activity({
      held: () => heldBy(options.backend),
      ...(shareActivity && { share: shareActivity }),
    });
    const isOpenHere = !options.authenticator && isLoopback(options.host);
    const guard = new Guard(options.guard, { store: options.rateStore ?? null, log, isOpenHere });
    this.#guard = guard;
    this.refusals = guard.refusals;
    const pipeline = createPipeline({
      ...options,
      documents,
      introspection,
      entrance,
      guard,
      activity: this.#activity,
    });
    this.#shortWay = pipeline.shortWay;
    this.#graphql = new GraphQLOverHttp({
      pipeline,
      guard,
      log,
      counts: this.#counts,
      bodyLimitBytes,
      graphiql: introspection,
      otherWorkers: worker && new OtherWorkers(worker),
    });
    this.#webSockets = new WebSockets({
      pipeline,
      guard,
      log,
      counts: this.#counts,
      messageLimitBytes: bodyLimitBytes,
    });
    this.#http = createServer({
      ServerResponse: ApiResponse.bearing(guard.headers),
      headersTimeout: guard.times.headersMs,
      requestTimeout: guard.times.requestMs,
      keepAliveTimeout: guard.times.keepAliveMs,
      connectionsCheckingInterval: Math.min(2_000, guard.times.headersMs), // 2 seconds: how exact the first two are
      // Some clients offer HTTP/2 with their first request, which goes on as it is.
      shouldUpgradeCallback: ({ headers }) => /^websocket$/i.test(headers.upgrade ?? ''),
    });
    this.#http.timeout = guard.times.answerMs;
    this.#connections = new Connections(this.#http, ({ method, url }, response) => {
      const {
        requestId,
        caller,
        begunAt,
        statusCode: status,
        writableFinished: isWhole,
        span,
      } = response as ApiResponse;
      this.#logRequest({ requestId, caller, begunAt, method, path: requestTarget(url).path, status, isWhole, span });
    });
    attendPlainly(this.#http, {
      shortWay: this.#shortWay,
      entrance,
      bodyLimitBytes,
      guard,
      connections: this.#connections,
      admits: (socket) => guard.connections.admit(socket),
      onFault: (error) => log.error({ err: error }, 'A request failed'),
      onAnswered: ({ requestId, caller, begunAt, span }, isWhole) =>
        this.#logRequest({ requestId, caller, begunAt, method: 'POST', path: graphqlPath, status: 200, isWhole, span }),
    });
    const metrics = new Metrics({
      activity: this.#activity,
      ways: this.ways,
      hot: () => this.hotOperations,
      counts: this.#counts,
      refusals: guard.refusals,
      roomTaken: () => guard.room.takenBytes,
      access: () => entrance.access,
      connections: () => ({
        http: this.#connections.count,
        webSockets: this.#webSockets.count,
        eventStreams: this.#graphql.eventStreams,
      }),
      backend: () => backendOrNull(options.backend),
      store: options.store,
    });
    const part = () => metrics.part();
    const gather = options.shareMetrics?.(part) ?? (async () => ({ parts: [await part()], others: null }));
    const { staff = justOne } = options;
    this.#pages = new Pages({
      entrance,
      guard,
      health: () => this.#health(),
      scrape: async () => metrics.scrape(await gather(), staff()),
      sdl: printSchemaText(options.schema),
    });
    this.#fromWorkers = createSocketServer({ allowHalfOpen: true }, (socket) => {
      guard.addresses.addWorker(socket);
      this.#http.emit('connection', socket);
    });
    this.#http.on('request', (request, response) => this.#answer(request, response as ApiResponse));
    this.#http.on('upgrade', (request, socket, head) => this.#webSockets.upgrade(request, socket, head));
  }

  /** @throws ListenError in one line for people. */
  static async listen(options: ServerOptions): Promise<ApiServer> {
    const server = new ApiServer(options);
    const { host, port, worker } = options;
    if (worker) await listenOnSocket(server.#fromWorkers, socketOf(worker.sockets, worker.id));
    await listenOnPort(server.#http, host, port);
    server.#http.on('error', (error) => options.log.error({ err: error }, 'The HTTP server failed'));
    return server;
  }

  /** Which way operations that came by HTTP were answered. */
  get ways(): Readonly<WayCounts> {
    return this.#shortWay.counts;
  }

  /** How many operations are watched for becoming hot, and how many are compiled. */
  get hotOperations(): HotCounts {
    return this.#shortWay.hot.counts;
  }

  /** All that are open. */
  get connections(): readonly Socket[] {
    return this.#connections.all;
  }

  /** Where it listens, such as `http://127.0.0.1:4000`. */
  get url(): string {
    const { address, family, port } = this.#http.address() as AddressInfo;
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
  }

  /** Takes no new connections, lets go of idle ones, and says no on `/readyz`; what is under way goes on. */
  drain(): void {
    this.#draining = true;
    this.#activity.close();
    this.#webSockets.drain();
    this.#graphql.drain();
    const servers = [this.#http, this.#fromWorkers];
    this.#closed = Promise.all(servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))));
    this.#connections.drain();
  }

  /** After `drain`: waits until every request has been answered and every client told. Subscriptions must have been ended. */
  async close(): Promise<void> {
    await Promise.all([this.#webSockets.close(), this.#graphql.close()]);
    await this.#closed;
  }

  /** Breaks what is still open. */
  terminate(): void {
    this.#connections.destroy();
  }

  #logRequest({ requestId, caller, begunAt, method, path, status, isWhole, span }: AnsweredRequest): void {
    this.#counts.answered(status, isWhole);
    const { log } = this.#options;
    const level = status >= 500 ? 'warn' : status >= 400 ? 'info' : 'debug';
    if (!log.isLevelEnabled(level)) return;
    const durationMs = Math.round((performance.now() - begunAt) * 100) / 100;
    const traced = span?.traceId ? { traceId: span.traceId } : {};
    const asked = caller === null || caller === anyone ? {} : { caller: caller.name };
    const cut = isWhole ? {} : { aborted: true };
    log[level]({ requestId, ...asked, method, path, status, durationMs, ...traced, ...cut }, 'request');
  }

  #answer(request: IncomingMessage, response: ApiResponse): void {
    const { requestId } = response;
    const target = requestTarget(request.url);
    const { log } = this.#options;
    runAs(requestId, () => this.#route(target, request, response)).catch((error: unknown) => {
      if (error instanceof BodyAbortedError) return response.destroy();
      if (error instanceof BodyEncodingError) return sendProtocolError(response, 400, error.message);
      if (error instanceof BodyTooComplexError) return sendTooComplex(response, error.message);
      if (error instanceof NoRoomError) {
        this.#guard.refusals.room += 1;
        return sendNoRoom(response, error);
      }
      if (!(error instanceof BodyTooLargeError)) log.error({ err: error, requestId }, 'A request failed');
      if (response.headersSent) return response.destroy();
      response.setHeader('connection', 'close');
      if (error instanceof BodyTooLargeError) sendProtocolError(response, 413, error.message);
      else sendProtocolError(response, 500, `Something went wrong on our side; request ${requestId}`);
      return undefined;
    });
  }

  async #route({ path, search }: RequestTarget, request: IncomingMessage, response: ApiResponse): Promise<void> {
    if (!this.#guard.hosts.serves(request.headers.host)) return sendForeignHost(response);
    if (path === graphqlPath) return this.#graphql.answer(search, request, response);
    return this.#pages.answer(path, request, response);
  }

  async #health(): Promise<Health> {
    if (this.#draining) return { ready: false, problems: ['The server is shutting down'], warnings: [] };
    return this.#options.health();
  }
}

function backendOrNull(backend: () => Backend): Backend | null {
  try {
    return backend();
  } catch (error) {
    if (error instanceof UnavailableError) return null;
    throw error;
  }
}

/** What is watched, for whoever watches the activity. */
function heldBy(backend: () => Backend): ActivityHeld {
  try {
    const { load, problem } = backend().hub;
    return { watchers: load.subscriptions, watchedEntities: load.entities, storeProblem: problem };
  } catch (error) {
    if (!(error instanceof UnavailableError)) throw error;
    return { watchers: 0, watchedEntities: 0, storeProblem: error.message };
  }
}
