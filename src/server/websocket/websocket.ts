import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { CloseCode, handleProtocols, type Message, MessageType, type PingMessage, parseMessage } from 'graphql-ws';
import type { Logger } from 'pino';
import { type WebSocket, WebSocketServer } from 'ws';
import { anyone } from '../../access/index.ts';
import type { Vector } from '../../engine/index.ts';
import { arrive } from '../arrival.ts';
import { Operations } from '../graphql/operations.ts';
import { type GraphQLPipeline, graphqlPath } from '../graphql/pipeline.ts';
import { refusalText } from '../guard/connection-limits.ts';
import type { Guard } from '../guard/guard.ts';
import { decodeUtf8 } from '../http/body.ts';
import { requestIdFrom } from '../request-id.ts';
import { requestTarget } from '../request-target.ts';
import type { ServerCounts } from '../server-counts.ts';
import { Heartbeat } from './heartbeat.ts';
import { Inbox } from './inbox.ts';
import { longestControl, type MessageRefusal, refusalOfText } from './message-limits.ts';
import { answerPings } from './pongs.ts';
import { SocketCaller } from './socket-caller.ts';
import { type SocketExtra, SocketOperations } from './socket-operations.ts';
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
/** In characters: how much of one socket is under way before nothing more of it begins, or is read. */
const lengthAtOnce = 1_048_576;
/** How much of it is read ahead, in messages and characters. */
const waitingMessages = 1_000;
const waitingLength = 1_048_576;
/** Of a close frame, by the WebSocket protocol. */
const longestReasonBytes = 123;

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
    const { protocol } = new SocketOperations({ pipeline, guard, isGoingAway: this.#isGoingAway });
    this.#sockets.on('connection', (socket: WebSocket, request: IncomingMessage) => {
      const requestId = requestIdFrom(request.headers['x-request-id']);
      const address = guard.addresses.ofRequest(request);
      // Who asks is known once it has begun, and stays the same.
      const client = () => guard.clientOf(who.caller, address);
      let handle = async (_message: string) => {};
      const close = (code: number, reason: string) => {
        // Nothing is begun of what it has said after that, nor of what waits: the client may take its time to close.
        inbox.close();
        turns.close();
        socket.close(code, reason);
      };
      const refuse = ({ code, reason }: MessageRefusal) => {
        guard.refusals.messages += 1;
        log.info({ requestId, reason }, 'A WebSocket message was refused');
        close(code, reason);
      };
      const turns = new Turns({
        // graphql-ws takes what was parsed as well, and would hold on to the text for as long as a subscription lasts; to a ping it
        // would until the client takes the answer.
        handle: (message) => (isPing(message) ? writer.send(pong(message)) : handle(message as string)),
        onRefused: refuse,
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
        lengthAtOnce,
        waitingMessages,
        waitingLength: Math.min(waitingLength, messageLimitBytes),
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
        arrive: (authorization) => arrive({ entrance: pipeline.entrance, guard, authorization, request }),
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
        { requestId, client, turns, writer, operations, who } satisfies SocketExtra,
      );
      socket.on('message', (data) => {
        const text = decodeUtf8(data as Buffer);
        if (text === null) return close(CloseCode.BadRequest, 'Invalid message received');
        // What still comes is dropped, and not refused once more.
        const refusal = socket.readyState === socket.OPEN ? refusalOfText(text, who.caller !== null) : null;
        if (refusal) refuse(refusal);
        else inbox.put(text);
      });
      // Broken frames, or messages beyond the limit: ws closes the socket with the code for it.
      socket.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') guard.refusals.messages += 1;
        this.#log.debug({ err: error, requestId }, 'A WebSocket failed');
      });
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
    else if (!this.#mayConnect(request)) this.#refuse(socket, 403, 'Forbidden');
    else if (!this.#guard.connections.admitStream(request, request.socket)) {
      this.#counts.refusedWebSockets += 1;
      end(socket, refusalText('429 Too Many Requests', this.#guard.connections.tooMany));
    } else
      this.#sockets.handleUpgrade(request, socket, head, (open) => this.#sockets.emit('connection', open, request));
  }

  /** How many are open. */
  get count(): number {
    return this.#operations.size;
  }

  #mayConnect({ headers }: IncomingMessage): boolean {
    return this.#guard.hosts.serves(headers.host) && this.#guard.origins.mayConnect(headers);
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
}

/**
 * What the protocol has answered at once, however much is under way: a ping, and what closes the socket. All else keeps its
 * turn, a `complete` too, since what it ends may still wait.
 */
function isUrgent(text: string): boolean {
  // To know that of a long one would take as much as to handle it.
  if (text.length > longestControl) return false;
  try {
    const { type } = parseMessage(text);
    return type !== MessageType.Subscribe && type !== MessageType.Complete;
  } catch {
    return true;
  }
}

function isPing(message: Message | string): message is PingMessage {
  return typeof message !== 'string' && message.type === MessageType.Ping;
}

/** What answers it. */
function pong({ payload }: PingMessage): string {
  return JSON.stringify({ type: MessageType.Pong, ...(payload && { payload }) });
}

/** As the protocol words it, if that fits into a close frame. */
function takenReason(id: string): string {
  const reason = `Subscriber for ${id} already exists`;
  return Buffer.byteLength(reason) <= longestReasonBytes ? reason : 'Subscriber for this id already exists';
}

function refuse(socket: Duplex, status: number, reason: string): void {
  end(socket, `HTTP/1.1 ${status} ${reason}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

function end(socket: Duplex, text: string): void {
  // A client that does not close its side would keep it half open.
  socket.once('finish', () => socket.destroy());
  socket.end(text);
}
