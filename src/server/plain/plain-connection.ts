import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Caller } from '../../access/index.ts';
import type { Ran } from '../../graphql/index.ts';
import type { Span } from '../../measure/index.ts';
import type { Connections, Debt } from '../connections.ts';
import type { Entrance } from '../entrance.ts';
import { Gathered } from '../gathered.ts';
import type { Guard } from '../guard/guard.ts';
import type { RequestRoom } from '../guard/room.ts';
import { decodeUtf8, shortBody, takeBody } from '../http/body.ts';
import { SentBody } from '../http/sent-body.ts';
import type { ShortWay } from '../http/short-way.ts';
import type { Client } from '../rates/rate-limiter.ts';
import { requestIdFrom, runAs } from '../request-id.ts';
import { endRequest, requestSpan, within } from '../request-span.ts';
import { writeAnswer } from './plain-answer.ts';
import { type PlainHead, PlainHeads } from './plain-head.ts';
import { type Begun, SocketStandIn } from './socket-stand-in.ts';

/** What the plain connections of a server have in common. */
export interface PlainService {
  readonly shortWay: ShortWay;
  readonly entrance: Entrance;
  readonly bodyLimitBytes: number;
  readonly guard: Guard;
  /** Whose limits of time hold: for a first request, for all of any request, and from one to the next. */
  readonly server: Pick<Server, 'headersTimeout' | 'requestTimeout' | 'keepAliveTimeout'>;
  /** Has Node's HTTP server take a socket, with all that comes on it from now on, or what stands in for it for one request. */
  readonly handOver: (socket: Socket | SocketStandIn) => void;
  /** Told when an answer by the short way is written, or its client has left. */
  readonly onAnswered: (asked: AnsweredPlainly, isWhole: boolean) => void;
  /** Told of what should not happen. */
  readonly onFault: (error: unknown) => void;
  readonly connections: Connections;
}

/** What is told of a request that was answered here. */
export interface AnsweredPlainly extends Pick<Begun, 'requestId' | 'begunAt' | 'span'> {
  /** Null: its client has left before anybody asked. */
  readonly caller: Caller | null;
}

/** One request, as it comes in and until it is answered. */
interface Asked {
  readonly head: PlainHead;
  readonly requestId: string;
  /** By `performance.now()`. */
  readonly begunAt: number;
  /** What has come of it, until it is looked at whole. */
  readonly parts: Gathered;
  missing: number;
  /** What it takes of the room for requests; null: it is short. */
  room: RequestRoom | null;
  /** Null: it is not traced, or not yet. */
  span: Span | null;
  caller: Caller | null;
}

/** As Node has it: what is sent at the last moment is not to find the connection closed. */
const keepAliveRoomMs = 1_000;

const mostEarlyBytes = 65_536;
/** A longer body is not a plain one: what it takes is counted as it comes, which Node's way does. */
const mostBodyBytes = 65_536;

/** Where nobody is counted. */
const nobody: Client = { name: '' };

const requestTimeout = 'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n';
const badRequest = 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n';

/**
 * A connection on which one plain request comes after the other, each when the one before it was answered. Those that go the short way
 * are answered here, past Node's HTTP, which took up to three tenths of each. Whatever else comes is Node's: the request alone, by a
 * stand-in, if it is plain but not for the short way; else the connection, for good.
 */
export class PlainConnection implements Debt {
  readonly #socket: Socket;
  readonly #service: PlainService;
  readonly #heads: PlainHeads;
  #asked: Asked | null = null;
  #deadline: NodeJS.Timeout | undefined;
  #standIn: SocketStandIn | null = null;
  /** What came before the answer did. */
  readonly #early = new Gathered();
  /** Who asked last, and by which header. */
  #caller: Caller | null = null;
  #authorization: string | undefined;
  #hasAsked = false;
  #isLast = false;

  constructor(socket: Socket, service: PlainService) {
    this.#socket = socket;
    this.#service = service;
    this.#heads = new PlainHeads(Math.min(service.bodyLimitBytes, mostBodyBytes), (host) =>
      service.guard.hosts.serves(host),
    );
    socket.setTimeout(service.server.headersTimeout);
    socket.on('data', this.#take);
    socket.on('end', this.#end);
    socket.on('timeout', this.#expire);
    socket.on('error', nothing);
    socket.on('close', this.#close);
  }

  makeLast(): void {
    this.#isLast = true;
  }

  readonly #take = (bytes: Buffer): void => {
    try {
      this.#heed(bytes);
    } catch (error) {
      this.#fail(error);
    }
  };

  #heed(bytes: Buffer): void {
    const asked = this.#asked ?? this.#ask(bytes);
    if (!asked) this.#leave(bytes);
    else if (asked.missing > 0) this.#receive(asked, bytes);
    else {
      // Who asks more before it was answered has it from Node, in its turn. It is read on for a while: so is seen who leaves.
      this.#early.add(bytes);
      if (this.#early.length > mostEarlyBytes) this.#socket.pause();
    }
  }

  /** Null: it is no plain request that begins here. */
  #ask(bytes: Buffer): Asked | null {
    const { server, connections } = this.#service;
    const head = this.#heads.read(bytes);
    if (!head) return null;
    const missing = head.bytes + head.bodyBytes;
    // Nothing is kept for whoever has yet to be found out: Node's way asks before it reads a body.
    if (missing > bytes.length && this.#callerOf(head) === null) return null;
    this.#asked = {
      head,
      requestId: requestIdFrom(head.requestId),
      begunAt: performance.now(),
      parts: new Gathered(),
      missing,
      room: null,
      span: null,
      caller: null,
    };
    if (!this.#hasAsked) this.#socket.setTimeout(server.keepAliveTimeout + keepAliveRoomMs);
    this.#hasAsked = true;
    connections.owe(this.#socket, this);
    return this.#asked;
  }

  #receive(asked: Asked, bytes: Buffer): void {
    asked.parts.add(bytes);
    asked.missing -= bytes.length;
    if (asked.missing > 0) {
      const { requestTimeout: mostMs } = this.#service.server;
      this.#deadline ??= setTimeout(() => this.#refuse(requestTimeout), mostMs);
    } else {
      clearTimeout(this.#deadline);
      this.#deadline = undefined;
      // Of the last one, what comes behind it is not looked at.
      if (asked.missing === 0 || this.#isLast) this.#answer(asked);
      else {
        this.#settle();
        this.#leave(asked.parts.take());
      }
    }
  }

  #answer(asked: Asked): void {
    const { guard } = this.#service;
    const { rates, addresses } = guard;
    const caller = this.#callerOf(asked.head);
    asked.caller = caller;
    const isCounted = rates !== null && caller !== null;
    const client = isCounted ? guard.clientOf(caller, addresses.of(this.#socket, asked.head.forwardedFor)) : nobody;
    // Who has yet to be found out is counted then.
    const waitMs = caller === null ? null : isCounted ? rates.request(client) : 0;
    if (waitMs === null || typeof waitMs === 'number') this.#answerIfAdmitted(asked, client, waitMs);
    else
      waitMs
        .then((ms) => {
          // Who has left meanwhile is owed nothing.
          if (this.#asked === asked) this.#answerIfAdmitted(asked, client, ms);
        })
        .catch(this.#fail);
  }

  #answerIfAdmitted(asked: Asked, client: Client, waitMs: number | null): void {
    const { head, requestId, begunAt } = asked;
    const { shortWay } = this.#service;
    const request = asked.parts.take().subarray(0, head.bytes + head.bodyBytes);
    if (waitMs !== null && waitMs > 0) {
      this.#standInFor({ requestId, begunAt, sent: null, waitMs, span: null }, request);
      return;
    }
    const { caller } = asked;
    // Of whoever has yet to be found out who they are, nothing is read.
    const text = caller && decodeUtf8(request.subarray(head.bytes));
    const sent = text === null || !this.#takeRoom(asked, text, caller) ? null : new SentBody(text);
    const span = requestSpan('POST', head.trace);
    asked.span = span;
    const begun = { requestId, begunAt, sent, waitMs, span };
    const run = caller && sent && (() => shortWay.run(sent, caller, client));
    const ran = run && (span === null ? runAs(requestId, run) : within(span, () => runAs(requestId, run)));
    if (ran) ran.then((result) => this.#conclude(asked, begun, request, result)).catch(this.#fail);
    else this.#standInFor(begun, request);
  }

  /** Takes what a body needs. Returns whether there was so much; if not, it is for Node's way to say so. */
  #takeRoom(asked: Asked, text: string, caller: Caller | null): boolean {
    const { bodyBytes, forwardedFor } = asked.head;
    if (bodyBytes <= shortBody) return true;
    const { guard } = this.#service;
    asked.room = guard.room.for(guard.clientOf(caller, guard.addresses.of(this.#socket, forwardedFor)).name);
    if (takeBody(text, bodyBytes, asked.room) === null) return true;
    asked.room.release();
    return false;
  }

  /** Mostly it is the one who asked before, by the same header. */
  #callerOf({ authorization }: PlainHead): Caller | null {
    if (this.#authorization === authorization && this.#caller?.isFresh) return this.#caller;
    this.#authorization = authorization;
    this.#caller = this.#service.entrance.recognise(authorization);
    return this.#caller;
  }

  #conclude(asked: Asked, begun: Begun, request: Buffer, ran: Ran): void {
    // What has begun is done, though its client has left.
    if (ran.kind === 'left') this.#standInFor(begun, request);
    else if (this.#asked === asked && this.#socket.writable) this.#write(asked, asked.head, `{"data":${ran.data}}`);
  }

  #write(asked: Asked, { contentType, origin }: PlainHead, body: string): void {
    const { shortWay, guard, server, onAnswered } = this.#service;
    const { requestId } = asked;
    const keptSeconds = this.#isLast ? null : Math.floor(server.keepAliveTimeout / 1_000);
    const headerLines = guard.headers.to(origin).lines;
    writeAnswer(this.#socket, { contentType, requestId, headerLines, body, keptSeconds });
    shortWay.counts.plain += 1;
    endRequest(asked.span, 200);
    onAnswered(asked, true);
    this.#goOn();
  }

  /** Has Node and all behind it answer one request. */
  #standInFor(begun: Begun, request: Buffer): void {
    this.#standIn = new SocketStandIn(this.#socket, begun, request, () => {
      this.#standIn = null;
      if (!this.#socket.destroyed) this.#goOn();
    });
    this.#service.handOver(this.#standIn);
  }

  /** It was answered. */
  #goOn(): void {
    const socket = this.#socket;
    this.#settle();
    // Node has ended it where it said so.
    if (this.#isLast || socket.writableEnded) socket.destroySoon();
    else if (this.#early.length > 0) this.#leave(this.#early.take());
    else if (socket.writableNeedDrain) {
      // Who does not read what it was answered is not to ask more.
      socket.pause();
      socket.once('drain', () => socket.resume());
    }
  }

  #settle(): void {
    this.#asked?.room?.release();
    this.#asked = null;
    this.#service.connections.settle(this.#socket, this);
  }

  /** The connection is Node's, from these bytes on. */
  #leave(bytes: Buffer): void {
    const socket = this.#socket;
    socket.setTimeout(0);
    socket.off('data', this.#take);
    socket.off('end', this.#end);
    socket.off('timeout', this.#expire);
    socket.off('error', nothing);
    socket.off('close', this.#close);
    socket.pause();
    socket.unshift(bytes);
    this.#service.handOver(socket);
    process.nextTick(() => socket.resume());
  }

  #refuse(text: string): void {
    this.#socket.write(text);
    // Not once all is taken, as a client that reads nothing would have it.
    this.#socket.destroy();
  }

  /** What is wrong with us is to cost one connection, and not all. */
  readonly #fail = (error: unknown): void => {
    this.#service.onFault(error);
    this.#socket.destroy();
  };

  /** The client has left, as far as one can know: one that only sends no more is not told apart, here as in Node's HTTP. */
  readonly #end = (): void => {
    if (this.#asked !== null && this.#asked.missing > 0) this.#refuse(badRequest);
    else this.#socket.end();
  };

  readonly #expire = (): void => {
    if (this.#asked !== null) {
      // It has a deadline of its own, or waits for us; unless it takes nothing of what Node has answered.
      if (this.#standIn && this.#socket.writableLength > 0) this.#socket.destroy();
    } else if (this.#hasAsked) this.#socket.destroy();
    else this.#refuse(requestTimeout);
  };

  readonly #close = (): void => {
    clearTimeout(this.#deadline);
    if (this.#asked !== null && !this.#standIn) {
      this.#asked.span?.end();
      this.#service.onAnswered(this.#asked, false);
    }
    this.#asked?.room?.release();
    this.#asked = null;
    this.#standIn?.destroy();
  };
}

function nothing(): void {}
