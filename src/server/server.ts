import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { GraphQLSchema } from 'graphql';
import type { Logger } from 'pino';
import { Activity, type HotCounts, printSchemaText, TrustedDocuments } from '../graphql/index.ts';
import { Connections } from './connections.ts';
import { type Backend, createPipeline, graphqlPath } from './graphql/pipeline.ts';
import type { Health } from './health.ts';
import { ApiResponse } from './http/api-response.ts';
import { BodyAbortedError, BodyEncodingError, BodyTooLargeError, defaultBodyLimitBytes } from './http/body.ts';
import { GraphQLOverHttp } from './http/graphql-http.ts';
import { send, sendJson, sendProtocolError } from './http/http-response.ts';
import type { ShortWay, WayCounts } from './http/short-way.ts';
import { isDashboardPath, serveDashboard } from './pages/dashboard.ts';
import { runAs } from './request-id.ts';
import { type RequestTarget, requestTarget } from './request-target.ts';
import { WebSockets } from './websocket/websocket.ts';

export interface ServerOptions {
  readonly schema: GraphQLSchema;
  /** What to serve from; throws UnavailableError while there is nothing. */
  readonly backend: () => Backend;
  readonly health: () => Promise<Health>;
  readonly log: Logger;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Largest body of a request and largest WebSocket message; default 4 MiB. */
  readonly bodyLimitBytes?: number;
  /** Documents that are known beforehand; default: none. */
  readonly documents?: TrustedDocuments;
  /** After how many executions an operation is compiled, and answered without Yoga; default 3. */
  readonly hotAfter?: number;
}

/** The port is taken, or not ours to take. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  readonly code = 'LISTEN_FAILED';
}

const headersTimeoutMs = 10_000; // 10 seconds
const requestTimeoutMs = 30_000; // 30 seconds, until the body is in
const keepAliveTimeoutMs = 65_000; // longer than the minute after which most load balancers let go

/** GraphQL over HTTP, SSE and WebSocket, and what operators ask. */
export class ApiServer {
  readonly #options: ServerOptions;
  readonly #activity = new Activity();
  readonly #graphql: GraphQLOverHttp;
  readonly #shortWay: ShortWay;
  readonly #webSockets: WebSockets;
  readonly #http: Server;
  readonly #connections: Connections;
  readonly #sdl: string;
  readonly #closed = Promise.withResolvers<void>();
  #draining = false;

  private constructor(options: ServerOptions) {
    this.#options = options;
    this.#sdl = printSchemaText(options.schema);
    const { log, bodyLimitBytes = defaultBodyLimitBytes, documents = new TrustedDocuments() } = options;
    const pipeline = createPipeline({ ...options, documents, activity: this.#activity });
    this.#shortWay = pipeline.shortWay;
    this.#graphql = new GraphQLOverHttp({ pipeline, log, bodyLimitBytes });
    this.#webSockets = new WebSockets({ pipeline, log, messageLimitBytes: bodyLimitBytes });
    this.#http = createServer({
      ServerResponse: ApiResponse,
      headersTimeout: headersTimeoutMs,
      requestTimeout: requestTimeoutMs,
      keepAliveTimeout: keepAliveTimeoutMs,
      connectionsCheckingInterval: 2_000, // 2 seconds: how exact the two above are
      // Some clients offer HTTP/2 with their first request, which goes on as it is.
      shouldUpgradeCallback: ({ headers }) => /^websocket$/i.test(headers.upgrade ?? ''),
    });
    this.#connections = new Connections(this.#http, (request, response) =>
      this.#logRequest(request, response as ApiResponse),
    );
    this.#http.on('request', (request, response) => this.#answer(request, response as ApiResponse));
    this.#http.on('upgrade', (request, socket, head) => this.#webSockets.upgrade(request, socket, head));
  }

  /** @throws ListenError in one line for people. */
  static async listen(options: ServerOptions): Promise<ApiServer> {
    const server = new ApiServer(options);
    const { host, port } = options;
    await new Promise<void>((resolve, reject) => {
      server.#http.once('error', (error: NodeJS.ErrnoException) => reject(new ListenError(whyNot(error, host, port))));
      server.#http.listen(port, host, resolve);
    });
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
    this.#http.close(() => this.#closed.resolve());
    this.#connections.drain();
  }

  /** After `drain`: waits until every request has been answered and every client told. Subscriptions must have been ended. */
  async close(): Promise<void> {
    await Promise.all([this.#webSockets.close(), this.#graphql.close()]);
    await this.#closed.promise;
  }

  /** Breaks what is still open. */
  terminate(): void {
    this.#connections.destroy();
  }

  #logRequest({ method, url }: IncomingMessage, response: ApiResponse): void {
    const { log } = this.#options;
    const { requestId, statusCode: status, begunAt } = response;
    const level = status >= 500 ? 'warn' : status >= 400 ? 'info' : 'debug';
    if (!log.isLevelEnabled(level)) return;
    const line = {
      requestId,
      method,
      path: requestTarget(url).path,
      status,
      durationMs: Math.round((performance.now() - begunAt) * 100) / 100,
      ...(response.writableFinished ? {} : { aborted: true }),
    };
    log[level](line, 'request');
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

function whyNot(error: NodeJS.ErrnoException, host: string, port: number): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return `Port ${port} on ${host} is taken by another program: stop it, or set PORT to another (0 takes any free one)`;
    case 'EACCES':
      return `Port ${port} on ${host} is not ours to take: set PORT to one above 1023`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `HOST ${host} is not an address of this machine`;
    default:
      return `Cannot listen on ${host}:${port}: ${error.message}`;
  }
}
