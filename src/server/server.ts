import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import {
  type AddressInfo,
  createServer as createSocketServer,
  type Socket,
  type Server as SocketServer,
} from 'node:net';
import type { GraphQLSchema } from 'graphql';
import type { Logger } from 'pino';
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
import { Connections } from './connections.ts';
import { type Backend, createPipeline, graphqlPath } from './graphql/pipeline.ts';
import { Guard } from './guard/guard.ts';
import type { GuardOptions } from './guard/guard-options.ts';
import type { Refusals } from './guard/refusals.ts';
import type { Health } from './health.ts';
import { ApiResponse } from './http/api-response.ts';
import { BodyAbortedError, BodyEncodingError, BodyTooLargeError, defaultBodyLimitBytes } from './http/body.ts';
import { GraphQLOverHttp } from './http/graphql-http.ts';
import { send, sendJson, sendProtocolError } from './http/http-response.ts';
import type { ShortWay, WayCounts } from './http/short-way.ts';
import { listenOnPort, listenOnSocket } from './listening.ts';
import { isDashboardPath, serveDashboard } from './pages/dashboard.ts';
import { attendPlainly } from './plain/plain-connections.ts';
import type { BucketStore } from './rates/shared-buckets.ts';
import { runAs } from './request-id.ts';
import { type RequestTarget, requestTarget } from './request-target.ts';
import { OtherWorkers, socketOf, type WorkerPlace } from './sse/other-workers.ts';
import { WebSockets } from './websocket/websocket.ts';

export interface ServerOptions {
  readonly schema: GraphQLSchema;
  /** What to serve from; throws UnavailableError while there is nothing. */
  readonly backend: () => Backend;
  readonly health: () => Promise<Health>;
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
  /** Of one of several workers that share the port; default: nobody else has it. */
  readonly worker?: WorkerPlace;
  /** Makes a feed of what all of them do; default: there is nobody else. */
  readonly shareActivity?: (take: () => ActivityPart) => ActivityFeed;
}

/** What is logged of a request. */
interface AnsweredRequest {
  readonly requestId: string;
  /** By `performance.now()`. */
  readonly begunAt: number;
  readonly method: string | undefined;
  readonly path: string;
  readonly status: number;
  /** All of the response was taken; else the client has left. */
  readonly isWhole: boolean;
}

/** GraphQL over HTTP, SSE and WebSocket, and what operators ask. */
export class ApiServer {
  readonly #options: ServerOptions;
  readonly #activity: Activity;
  readonly #graphql: GraphQLOverHttp;
  readonly #shortWay: ShortWay;
  readonly #webSockets: WebSockets;
  readonly #http: Server;
  /** Where other workers hand over what is asked of our event streams. */
  readonly #fromWorkers: SocketServer;
  readonly #connections: Connections;
  readonly #sdl: string;
  /** What was refused because there was too much of it. */
  readonly refusals: Readonly<Refusals>;
  #closed: Promise<unknown> = Promise.resolve();
  #draining = false;

  private constructor(options: ServerOptions) {
    this.#options = options;
    this.#sdl = printSchemaText(options.schema);
    const { log, worker, shareActivity } = options;
    const { bodyLimitBytes = defaultBodyLimitBytes, documents = new TrustedDocuments() } = options;
    this.#activity = new Activity({
      held: () => heldBy(options.backend),
      ...(shareActivity && { share: shareActivity }),
    });
    const guard = new Guard(options.guard, { store: options.rateStore ?? null, log });
    this.refusals = guard.refusals;
    const pipeline = createPipeline({ ...options, documents, activity: this.#activity, guard });
    this.#shortWay = pipeline.shortWay;
    this.#graphql = new GraphQLOverHttp({
      pipeline,
      guard,
      log,
      bodyLimitBytes,
      otherWorkers: worker && new OtherWorkers(worker),
    });
    this.#webSockets = new WebSockets({ pipeline, guard, log, messageLimitBytes: bodyLimitBytes });
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
      const { requestId, begunAt, statusCode: status, writableFinished: isWhole } = response as ApiResponse;
      this.#logRequest({ requestId, begunAt, method, path: requestTarget(url).path, status, isWhole });
    });
    attendPlainly(this.#http, {
      shortWay: this.#shortWay,
      bodyLimitBytes,
      guard,
      connections: this.#connections,
      admits: (socket) => guard.connections.admit(socket),
      onFault: (error) => log.error({ err: error }, 'A request failed'),
      onAnswered: ({ requestId, begunAt }, isWhole) =>
        this.#logRequest({ requestId, begunAt, method: 'POST', path: graphqlPath, status: 200, isWhole }),
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

  #logRequest({ requestId, begunAt, method, path, status, isWhole }: AnsweredRequest): void {
    const { log } = this.#options;
    const level = status >= 500 ? 'warn' : status >= 400 ? 'info' : 'debug';
    if (!log.isLevelEnabled(level)) return;
    const durationMs = Math.round((performance.now() - begunAt) * 100) / 100;
    log[level]({ requestId, method, path, status, durationMs, ...(isWhole ? {} : { aborted: true }) }, 'request');
  }

  #answer(request: IncomingMessage, response: ApiResponse): void {
    const { requestId } = response;
    const target = requestTarget(request.url);
    const { log } = this.#options;
    runAs(requestId, () => this.#route(target, request, response)).catch((error: unknown) => {
      if (error instanceof BodyAbortedError) return response.destroy();
      if (error instanceof BodyEncodingError) return sendProtocolError(response, 400, error.message);
      if (!(error instanceof BodyTooLargeError)) log.error({ err: error, requestId }, 'A request failed');
      if (response.headersSent) return response.destroy();
      response.setHeader('connection', 'close');
      if (error instanceof BodyTooLargeError) sendProtocolError(response, 413, error.message);
      else sendProtocolError(response, 500, `Something went wrong on our side; request ${requestId}`);
      return undefined;
    });
  }

  #route({ path, search }: RequestTarget, request: IncomingMessage, response: ApiResponse): Promise<void> {
    if (path === graphqlPath) return this.#graphql.answer(search, request, response);
    return this.#page(path, request, response);
  }

  async #page(path: string, request: IncomingMessage, response: ApiResponse): Promise<void> {
    const page = this.#pages[path];
    if (!page && !isDashboardPath(path))
      return sendProtocolError(response, 404, `There is nothing at this path; GraphQL is at ${graphqlPath}`);
    if (request.method === 'GET' || request.method === 'HEAD') {
      return page ? page(response) : serveDashboard(path, request, response);
    }
    response.setHeader('allow', 'GET, HEAD');
    return sendProtocolError(response, 405, `${path} is only to be read`);
  }

  readonly #pages: { readonly [path: string]: (response: ServerResponse) => Promise<void> | void } = {
    '/livez': (response) => sendJson(response, 200, { alive: true }),
    '/readyz': async (response) => {
      const health = await this.#health();
      sendJson(response, health.ready ? 200 : 503, health);
    },
    '/schema.graphql': (response) => send(response, 200, 'application/graphql; charset=utf-8', this.#sdl),
  };

  async #health(): Promise<Health> {
    if (this.#draining) return { ready: false, problems: ['The server is shutting down'], warnings: [] };
    return this.#options.health();
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
