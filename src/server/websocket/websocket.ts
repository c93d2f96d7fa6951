import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type ExecutionArgs, GraphQLError, getOperationAST } from 'graphql';
import { CloseCode, handleProtocols, MessageType, makeServer, type OperationResult, parseMessage } from 'graphql-ws';
import type { Logger } from 'pino';
import { type WebSocket, WebSocketServer } from 'ws';
import { contractError, PushedMessages, WatchMessages } from '../../graphql/index.ts';
import { Operations } from '../graphql/operations.ts';
import { type GraphQLPipeline, graphqlPath, unavailable } from '../graphql/pipeline.ts';
import { shownError, shownResult } from '../graphql/shown-result.ts';
import { refusalText } from '../guard/connection-limits.ts';
import type { Guard } from '../guard/guard.ts';
import { decodeUtf8 } from '../http/body.ts';
import { tooManyRequests } from '../rates/rate-limited.ts';
import type { Client } from '../rates/rate-limiter.ts';
import { requestIdFrom, runApartAs, runAs } from '../request-id.ts';
import { requestTarget } from '../request-target.ts';
import { Heartbeat } from './heartbeat.ts';
import { Inbox } from './inbox.ts';
import { Outlet } from './outlet.ts';
import { answerPings } from './pongs.ts';
import { SocketWriter } from './socket-writer.ts';
import { Turns } from './turns.ts';

export interface WebSocketOptions {
  readonly pipeline: GraphQLPipeline;
  readonly log: Logger;
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
  readonly client: Client;
  readonly turns: Turns;
  readonly writer: SocketWriter;
  readonly operations: Operations;
}

type Execute = (args: ExecutionArgs) => OperationResult;

/** What `onSubscribe` makes of a message, and `execute` and `subscribe` get. */
type PipelineArgs = ExecutionArgs & {
  readonly execute: Execute;
  readonly subscribe: Execute;
  readonly id: string;
  readonly extra: Extra;
};

/** GraphQL over WebSocket by the protocol `graphql-transport-ws`, through the same pipeline as HTTP. */
export class WebSockets {
  readonly #log: Logger;
  readonly #guard: Guard;
  readonly #sockets: WebSocketServer;
  /** Of each open socket. */
  readonly #operations = new Map<WebSocket, Operations>();
  #draining = false;
  /** One for all subscriptions. */
  readonly #isGoingAway = () => this.#draining;

  constructor({ pipeline, guard, log, messageLimitBytes }: WebSocketOptions) {
    this.#log = log;
    this.#guard = guard;
    this.#sockets = new WebSocketServer({
      noServer: true,
      maxPayload: messageLimitBytes,
      handleProtocols,
      autoPong: false,
    });
    const protocol = this.#protocol(pipeline);
    this.#sockets.on('connection', (socket: WebSocket, request: IncomingMessage) => {
      const requestId = requestIdFrom(request.headers['x-request-id']);
      const client = { name: this.#guard.addresses.ofRequest(request) };
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
      const heartbeat = new Heartbeat(socket, () =>
        this.#log.info({ requestId }, 'A WebSocket takes nothing of what it is sent; closing it'),
      );
      answerPings(socket);
      const writer = new SocketWriter(socket, request.socket, () => heartbeat.take());
      const operations = new Operations(this.#isGoingAway, () => this.#guard.subscriptions.giveBack(client.name));
      this.#operations.set(socket, operations);
      const closed = protocol.opened(
        {
          protocol: socket.protocol,
          send: (text) => writer.send(text),
          close,
          onMessage: (take) => {
            handle = take;
          },
        },
        { requestId, client, turns, writer, operations } satisfies Extra,
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
        heartbeat.stop();
        inbox.close();
        turns.close();
        this.#log.debug({ requestId, code }, 'A WebSocket closed');
        void closed(code, String(reason));
      });
    });
  }

  /** Answers a handshake. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => {});
    const { path } = requestTarget(request.url);
    if (path !== graphqlPath) refuse(socket, 404, 'Not Found');
    else if (this.#draining) refuse(socket, 503, 'Service Unavailable');
    else if (!this.#guard.origins.mayConnect(request.headers)) refuse(socket, 403, 'Forbidden');
    else if (!this.#admits(request)) end(socket, refusalText('429 Too Many Requests', this.#guard.connections.tooMany));
    else this.#sockets.handleUpgrade(request, socket, head, (open) => this.#sockets.emit('connection', open, request));
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
      onSubscribe: ({ extra, subscriptions }, id, payload) => {
        const { requestId, client } = extra;
        const { operationName, variables } = payload;
        return runApartAs(requestId, async () => {
          if (this.#draining) return [unavailable('The server is shutting down: connect again')];
          try {
            const waitMs = (await this.#guard.rates?.request(client)) ?? 0;
            if (waitMs > 0) return [tooManyRequests(waitMs)];
            const { parse, validate, contextFactory, execute, subscribe, schema } = yoga.getEnveloped({
              requestId,
              client,
              receivedAt: performance.now(),
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
            if (operation.operation === 'subscription' && countOpen(subscriptions) >= maxSubscriptions) {
              return [tooManySubscriptions()];
            }
            const contextValue = await contextFactory();
            const variableValues = variables;
            return { schema, document, operationName, variableValues, contextValue, execute, subscribe, id, extra };
          } catch (error) {
            // Thrown from here, it would close the socket with all its subscriptions.
            return [mask(error)];
          }
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
    const { id, extra } = args;
    if (how === 'execute') return extra.operations.run(extra.requestId, () => args.execute(args));
    const { subscriptions } = this.#guard;
    if (!subscriptions.take(extra.client.name)) return { errors: [rateLimited(subscriptions.tooMany)] };
    const result = await this.#subscribe(args).catch((error: unknown) => {
      subscriptions.giveBack(extra.client.name);
      throw error;
    });
    if (Symbol.asyncIterator in result) extra.turns.streams(id);
    else subscriptions.giveBack(extra.client.name);
    return result;
  }

  #subscribe(args: PipelineArgs) {
    const { id, extra } = args;
    return extra.operations.run(extra.requestId, async () => {
      const own = await args.subscribe(args);
      return own instanceof WatchMessages
        ? new PushedMessages(own, new Outlet(extra.writer, id), this.#isGoingAway)
        : own;
    });
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
