import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type ExecutionArgs, GraphQLError, getOperationAST } from 'graphql';
import { CloseCode, handleProtocols, MessageType, makeServer, type OperationResult, parseMessage } from 'graphql-ws';
import type { Logger } from 'pino';
import { type WebSocket, WebSocketServer } from 'ws';
import { anyone, type Caller } from '../../access/index.ts';
import type { Vector } from '../../engine/index.ts';
import {
  contractError,
  deniedOperation,
  type OperationKind,
  PushedMessages,
  WatchMessages,
} from '../../graphql/index.ts';
import type { Span } from '../../measure/index.ts';
import { countResult } from '../graphql/count-result.ts';
import { Operations } from '../graphql/operations.ts';
import { type GraphQLPipeline, graphqlPath, unavailable } from '../graphql/pipeline.ts';
import type { RequestContext } from '../graphql/request-context.ts';
import { shownError, shownResult } from '../graphql/shown-result.ts';
import { refusalText } from '../guard/connection-limits.ts';
import type { Guard } from '../guard/guard.ts';
import { decodeUtf8 } from '../http/body.ts';
import { tooManyRequests } from '../rates/rate-limited.ts';
import type { Client } from '../rates/rate-limiter.ts';
import { requestIdFrom, runApartAs, runAs } from '../request-id.ts';
import { operationSpan, within } from '../request-span.ts';
import { requestTarget } from '../request-target.ts';
import type { ServerCounts } from '../server-counts.ts';
import { Heartbeat } from './heartbeat.ts';
import { Inbox } from './inbox.ts';
import { Outlet } from './outlet.ts';
import { answerPings } from './pongs.ts';
import { SocketCaller } from './socket-caller.ts';
import { SocketWriter } from './socket-writer.ts';
import { Turns } from './turns.ts';

export interface WebSocketOptions {
  readonly pipeline: GraphQLPipeline;
  readonly log: Logger;
  readonly counts: ServerCounts;
  readonly guard: Guard;
  /** A longer message closes its socket. */
  readonly messageLimitBytes: number;
}

/** How many queries, mutations and beginning subscriptions of one socket are under way; more of them wait. */
const operationsAtOnce = 50;
const waitingMessages = 1_000;
/** Of one socket; each may watch a thousand entities. */
const maxSubscriptions = 2_000;
/** Of a close frame, by the WebSocket protocol. */
const longestReasonBytes = 123;

/** What a socket has beside what graphql-ws knows of it. */
interface Extra extends Record<PropertyKey, unknown> {
  /** Of the handshake. */
  readonly requestId: string;
  /** By whom it is counted. */
  readonly client: () => Client;
  readonly turns: Turns;
  readonly writer: SocketWriter;
  readonly operations: Operations;
  readonly who: SocketCaller;
}

type Execute = (args: ExecutionArgs) => OperationResult;

/** What `onSubscribe` makes of a message, and `execute` and `subscribe` get. */
type PipelineArgs = ExecutionArgs & {
  readonly execute: Execute;
  readonly subscribe: Execute;
  readonly id: string;
  readonly extra: Extra;
  /** Only where it is traced. */
  readonly span?: Span;
};

/** GraphQL over WebSocket by the protocol `graphql-transport-ws`, through the same pipeline as HTTP. */
export class WebSockets {
  readonly #pipeline: GraphQLPipeline;
  readonly #log: Logger;
  readonly #counts: ServerCounts;
  readonly #guard: Guard;
  readonly #sockets: WebSocketServer;
  /** Of each open socket. */
  readonly #operations = new Map<WebSocket, Operations>();
  #draining = false;
  /** One for all subscriptions. */
  readonly #isGoingAway = () => this.#draining;

  constructor({ pipeline, guard, log, counts, messageLimitBytes }: WebSocketOptions) {
    this.#pipeline = pipeline;
    this.#log = log;
    this.#guard = guard;
    this.#counts = counts;
    this.#sockets = new WebSocketServer({
      noServer: true,
      maxPayload: messageLimitBytes,
      handleProtocols,
      autoPong: false,
    });
    const protocol = this.#protocol(pipeline);
    this.#sockets.on('connection', (socket: WebSocket, request: IncomingMessage) => {
      const requestId = requestIdFrom(request.headers['x-request-id']);
      const address = guard.addresses.ofRequest(request);
      // Who asks is known once it has begun, and stays the same.
      const client = () => guard.clientOf(who.caller, address);
      let handle = async (_message: string) => {};
      const close = (code: number, reason: string) => {
        inbox.close(); // nothing of what it has said after that is done
        socket.close(code, reason);
      };
      const turns = new Turns({
        // graphql-ws takes what was parsed as well, and would hold on to the text for as long as a subscription lasts.
        handle: (message) => handle(message as string),
        onTaken: (id) => close(CloseCode.SubscriberAlreadyExists, takenReason(id)),
        onFailure: (error) => this.#messageFailed(close, requestId, error),
      });
      const inbox = new Inbox({
        handle: async (text) => {
          try {
            await turns.take(text);
          } catch (error) {
            this.#messageFailed(close, requestId, error);
          }
        },
        isUrgent,
        pause: () => socket.pause(),
        resume: () => socket.resume(),
        width: operationsAtOnce,
        waitingMessages,
        waitingLength: messageLimitBytes,
      });
      const heartbeat = new Heartbeat(socket, () => {
        counts.tooSlow.websocket += 1;
        log.info({ requestId }, 'A WebSocket takes nothing of what it is sent; closing it');
      });
      answerPings(socket);
      const writer = new SocketWriter(socket, request.socket, () => heartbeat.take(), this.#countPushed);
      const operations = new Operations(this.#isGoingAway, () => guard.subscriptions.giveBack(client().name));
      this.#operations.set(socket, operations);
      const who = new SocketCaller({
        entrance: pipeline.entrance,
        authorization: request.headers.authorization,
        close,
        onEnded: ({ name }, why) =>
          this.#log.info({ requestId, caller: name, why }, 'The caller of a WebSocket has ended'),
      });
      const closed = protocol.opened(
        {
          protocol: socket.protocol,
          send: (text) => writer.send(text),
          close,
          onMessage: (take) => {
            handle = take;
          },
        },
        { requestId, client, turns, writer, operations, who } satisfies Extra,
      );
      socket.on('message', (data) => {
        const text = decodeUtf8(data as Buffer);
        if (text === null) close(CloseCode.BadRequest, 'Invalid message received');
        else inbox.put(text);
      });
      // Broken frames, or messages beyond the limit: ws closes the socket with the code for it.
      socket.on('error', (error) => this.#log.debug({ err: error, requestId }, 'A WebSocket failed'));
      socket.once('close', (code, reason) => {
        this.#operations.delete(socket);
        who.leave();
        heartbeat.stop();
        inbox.close();
        turns.close();
        const { caller } = who;
        const asked = caller === null || caller === anyone ? {} : { caller: caller.name };
        this.#log.debug({ requestId, ...asked, code }, 'A WebSocket closed');
        void closed(code, String(reason));
      });
    });
  }

  /** Answers a handshake. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => {});
    const { path } = requestTarget(request.url);
    if (path !== graphqlPath) this.#refuse(socket, 404, 'Not Found');
    else if (this.#draining) this.#refuse(socket, 503, 'Service Unavailable');
    else if (!this.#guard.origins.mayConnect(request.headers)) this.#refuse(socket, 403, 'Forbidden');
    else if (!this.#admits(request)) {
      this.#counts.refusedWebSockets += 1;
      end(socket, refusalText('429 Too Many Requests', this.#guard.connections.tooMany));
    } else
      this.#sockets.handleUpgrade(request, socket, head, (open) => this.#sockets.emit('connection', open, request));
  }

  /** How many are open. */
  get count(): number {
    return this.#operations.size;
  }

  /** Of a proxy, only now is known whose it is. */
  #admits(request: IncomingMessage): boolean {
    if (!this.#guard.addresses.isProxy(request.socket)) return true;
    return this.#guard.connections.admitBehindProxy(this.#guard.addresses.ofRequest(request), request.socket);
  }

  /** Takes no new operations. */
  drain(): void {
    this.#draining = true;
  }

  /** Waits until what is under way has been answered, then says goodbye. Subscriptions must have been ended. */
  async close(): Promise<void> {
    this.drain();
    // Each as soon as it can: one that takes nothing keeps no other waiting.
    const goodbyes = [...this.#operations].map(async ([socket, operations]) => {
      await operations.whenIdle();
      socket.close(1001, 'The server is shutting down');
    });
    await Promise.all(goodbyes);
  }

  #refuse(socket: Duplex, status: number, reason: string): void {
    this.#counts.refusedWebSockets += 1;
    refuse(socket, status, reason);
  }

  readonly #countPushed = (messages: number, telling: number, oldest: Vector | null): void => {
    const { activity, storeNow } = this.#pipeline;
    activity.pushes.websocket.count(messages, telling, oldest, storeNow());
  };

  #count(operation: OperationKind, result: unknown, receivedAt: number): void {
    countResult(this.#pipeline.activity.requests.of('websocket', operation), result, receivedAt);
  }

  #messageFailed(close: (code: number, reason: string) => void, requestId: string, error: unknown): void {
    // What a server says, a client must not.
    if (error instanceof Error && error.message.startsWith('Unexpected message of type')) {
      this.#log.debug({ requestId }, 'A WebSocket message was not for a server');
      close(CloseCode.BadRequest, 'Invalid message received');
      return;
    }
    this.#log.warn({ err: error, requestId }, 'A WebSocket message could not be handled');
    close(CloseCode.InternalServerError, 'Internal server error');
  }

  #protocol({ yoga, mask, documents }: GraphQLPipeline) {
    return makeServer<Record<string, unknown>, Extra>({
      onConnect: ({ connectionParams, extra }) => extra.who.admit(connectionParams),
      onSubscribe: ({ extra, subscriptions, connectionParams }, id, payload) => {
        const { requestId, client } = extra;
        const caller = extra.who.caller as Caller;
        const { operationName, variables } = payload;
        const receivedAt = performance.now();
        const begin = async () => {
          if (this.#draining) return [unavailable('The server is shutting down: connect again')];
          try {
            const waitMs = (await this.#guard.rates?.request(client())) ?? 0;
            if (waitMs > 0) return [tooManyRequests(waitMs)];
            const { parse, validate, contextFactory, execute, subscribe, schema } = yoga.getEnveloped({
              requestId,
              client: client(),
              receivedAt,
              caller,
            });
            const document = parse(documents.textOf(payload) as string);
            // graphql-ws holds on to it for as long as a subscription lasts: to the one text that all have in common.
            Object.assign(payload, { query: document.loc?.source.body });
            const errors: readonly GraphQLError[] = validate(schema, document);
            if (errors.length > 0) return errors;
            const operation = getOperationAST(document, operationName);
            if (!operation) {
              return [contractError('BAD_USER_INPUT', 'operationName does not name one operation of the query')];
            }
            const denied = deniedOperation({ schema, document, operationName, variableValues: variables }, caller);
            if (denied) return [denied];
            if (operation.operation === 'subscription' && countOpen(subscriptions) >= maxSubscriptions) {
              return [tooManySubscriptions()];
            }
            const contextValue = await contextFactory();
            const variableValues = variables;
            const args = {
              schema,
              document,
              operationName,
              variableValues,
              contextValue,
              execute,
              subscribe,
              id,
              extra,
            };
            return span ? { ...args, span } : args;
          } catch (error) {
            // Thrown from here, it would close the socket with all its subscriptions.
            return [mask(error)];
          }
        };
        const span = operationSpan(payload.extensions, connectionParams);
        return runApartAs(requestId, async () => {
          const begun = await within(span, begin);
          if (!Array.isArray(begun)) return begun;
          this.#count('none', { errors: begun }, receivedAt);
          span?.fail('refused');
          span?.end();
          return begun;
        });
      },
      execute: (args) => this.#run(args as PipelineArgs, 'execute'),
      subscribe: (args) => this.#run(args as PipelineArgs, 'subscribe'),
      onNext: (_context, _id, _payload, _args, result) => (result.errors ? shownResult(result) : undefined),
      onError: ({ extra: { requestId } }, _id, _payload, errors) =>
        runAs(requestId, () => errors.map((error) => shownError(mask(error)))),
    });
  }

  async #run(args: PipelineArgs, how: 'execute' | 'subscribe') {
    const { id, extra, span = null } = args;
    const { receivedAt } = args.contextValue as RequestContext;
    const operation = getOperationAST(args.document, args.operationName)?.operation ?? 'none';
    const run = () => (how === 'execute' ? this.#execute(args) : this.#subscribe(args));
    const result = await (span === null ? run() : within(span, run).finally(() => span.end()));
    this.#count(operation, result, receivedAt);
    if (how === 'subscribe' && Symbol.asyncIterator in result) extra.turns.streams(id);
    return result;
  }

  #execute(args: PipelineArgs) {
    return args.extra.operations.run(args.extra.requestId, () => args.execute(args));
  }

  async #subscribe(args: PipelineArgs) {
    const { id, extra } = args;
    const { subscriptions } = this.#guard;
    const { name } = extra.client();
    if (!subscriptions.take(name)) return { errors: [rateLimited(subscriptions.tooMany)] };
    let isStream = false;
    try {
      const result = await extra.operations.run(extra.requestId, async () => {
        const own = await args.subscribe(args);
        return own instanceof WatchMessages
          ? new PushedMessages(own, new Outlet(extra.writer, id), this.#isGoingAway)
          : own;
      });
      isStream = Symbol.asyncIterator in result;
      return result;
    } finally {
      if (!isStream) subscriptions.giveBack(name);
    }
  }
}

/**
 * What the protocol has answered at once, however much is under way: a ping, and what closes the socket. All else keeps its
 * turn, a `complete` too, since what it ends may still wait.
 */
function isUrgent(text: string): boolean {
  try {
    const { type } = parseMessage(text);
    return type !== MessageType.Subscribe && type !== MessageType.Complete;
  } catch {
    return true;
  }
}

/** As the protocol words it, if that fits into a close frame. */
function takenReason(id: string): string {
  const reason = `Subscriber for ${id} already exists`;
  return Buffer.byteLength(reason) <= longestReasonBytes ? reason : 'Subscriber for this id already exists';
}

/** Those that have begun: of the others, graphql-ws knows but the id. */
function countOpen(subscriptions: Readonly<Record<string, unknown>>): number {
  return Object.values(subscriptions).filter((stream) => stream !== null).length;
}

function tooManySubscriptions(): GraphQLError {
  const advice = 'end some, watch several ids by one, or open another socket';
  return rateLimited(`More than ${maxSubscriptions} subscriptions on one socket: ${advice}`);
}

function rateLimited(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'RATE_LIMITED' } });
}

function refuse(socket: Duplex, status: number, reason: string): void {
  end(socket, `HTTP/1.1 ${status} ${reason}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

function end(socket: Duplex, text: string): void {
  // A client that does not close its side would keep it half open.
  socket.once('finish', () => socket.destroy());
  socket.end(text);
}
