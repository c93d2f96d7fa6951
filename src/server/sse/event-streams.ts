import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { Caller } from '../../access/index.ts';
import type { Entrance } from '../entrance.ts';
import type { Refusals } from '../guard/refusals.ts';
import { Tally } from '../guard/tally.ts';
import type { ApiResponse } from '../http/api-response.ts';
import { forward } from '../http/forward.ts';
import { send, sendProtocolError } from '../http/http-response.ts';
import { sendTooMany } from '../http/refusals.ts';
import { heldRetrySeconds } from '../rates/rate-limited.ts';
import type { ServerCounts } from '../server-counts.ts';
import { EventStream, type EventStreamOptions, noStream } from './event-stream.ts';

export interface EventStreamsOptions extends Omit<EventStreamOptions, 'owner' | 'onTooSlow' | 'isGoingAway'> {
  readonly log: Logger;
  readonly counts: ServerCounts;
  readonly entrance: Entrance;
  readonly refusals: Refusals;
}

/** Of a stream that nobody has opened yet. */
interface Reservation {
  /** By whom it is counted. */
  readonly client: string;
  /** Ends it. */
  readonly timer: NodeJS.Timeout;
}

/** How many streams may be reserved and not opened yet: whoever opens none would have them kept for nothing. */
const maxReserved = 1_000;
/** How many of them may be of one client, which would have all of them otherwise, and leave none to others. */
const maxReservedOfClient = 100;
/** How long a reserved stream is kept for its client to open it. */
const reservedMs = 30_000; // 30 seconds

/** The event streams that clients have reserved, by their tokens: GraphQL over SSE in its single connection mode. */
export class EventStreams {
  readonly #options: EventStreamsOptions;
  readonly #streams = new Map<string, EventStream>();
  readonly #reserved = new Map<EventStream, Reservation>();
  readonly #ofClients = new Tally(maxReservedOfClient);
  #refused = 0;
  #draining = false;

  constructor(options: EventStreamsOptions) {
    this.#options = options;
  }

  /** How many there are, and how often one was refused. */
  get load(): { readonly reserved: number; readonly open: number; readonly refused: number } {
    const reserved = this.#reserved.size;
    return { reserved, open: this.#streams.size - reserved, refused: this.#refused };
  }

  /** To anyone but whoever has reserved it there is none. */
  find(token: string, caller: Caller): EventStream | null {
    const stream = this.#streams.get(token);
    return stream?.isOf(caller) ? stream : null;
  }

  /**
   * Answers a PUT.
   * @param client the name by which its reservations are counted.
   */
  reserve(response: ServerResponse, requestId: string, caller: Caller, client: string): void {
    const { log, counts, refusals } = this.#options;
    if (this.#reserved.size >= maxReserved) {
      this.#refused++;
      log.warn(
        { requestId, refused: this.#refused },
        'Too many event streams are reserved and not opened: refused one',
      );
      response.setHeader('retry-after', heldRetrySeconds);
      sendProtocolError(response, 503, `${maxReserved} event streams wait to be opened: try again later`);
    } else if (!this.#ofClients.take(client)) {
      this.#refused++;
      refusals.streams += 1;
      const advice = 'open them, or ask for more on each';
      sendTooMany(response, `${maxReservedOfClient} event streams of one client wait to be opened: ${advice}`);
    } else {
      const stream = new EventStream({
        ...this.#options,
        owner: caller,
        isGoingAway: () => this.#draining,
        onTooSlow: () => {
          counts.tooSlow.sse += 1;
          log.info({ requestId }, 'An event stream takes nothing of what it is sent; closing it');
        },
      });
      this.#streams.set(stream.token, stream);
      this.#reserved.set(stream, { client, timer: setTimeout(() => this.#forget(stream), reservedMs) });
      send(response, 201, 'text/plain; charset=utf-8', stream.token);
    }
  }

  /** Answers the GET that opens a stream, which ends when whoever opens it may go on no more. */
  open(stream: EventStream, response: ServerResponse, caller: Caller): void {
    if (!stream.isReserved) {
      sendProtocolError(response, 409, 'The event stream is open already: one connection is all it has');
      return;
    }
    if (response.closed) return; // its client left while it was found out who that is
    this.#endReservation(stream);
    const release = this.#options.entrance.hold(caller, () => void stream.expire());
    response.once('close', () => {
      release?.();
      this.#forget(stream);
    });
    stream.open(response);
  }

  /** Answers a DELETE. */
  end(stream: EventStream, search: string, response: ServerResponse): void {
    const id = new URLSearchParams(search).get('operationId');
    if (!id) {
      sendProtocolError(response, 400, 'operationId is missing: which operation is to end');
    } else {
      stream.end(id);
      response.writeHead(200, { 'content-length': 0 }).end();
    }
  }

  /** Takes no new streams, and lets go of those that nobody has opened. */
  drain(): void {
    this.#draining = true;
    for (const stream of [...this.#reserved.keys()]) this.#forget(stream);
  }

  /** Waits until what is under way was sent, and ends all streams. Subscriptions must have been ended. */
  async close(): Promise<void> {
    await Promise.all([...this.#streams.values()].map((stream) => stream.finish()));
  }

  #forget(stream: EventStream): void {
    this.#endReservation(stream);
    this.#streams.delete(stream.token);
    stream.close();
  }

  /** If it has one still. */
  #endReservation(stream: EventStream): void {
    const reservation = this.#reserved.get(stream);
    if (!reservation) return;
    clearTimeout(reservation.timer);
    this.#reserved.delete(stream);
    this.#ofClients.giveBack(reservation.client);
  }
}

/** The token of an event stream that comes with a request; null if there is none. */
export function streamToken(headers: IncomingHttpHeaders, search: string): string | null {
  const given = headers['x-graphql-event-stream-token'];
  if (typeof given === 'string') return given;
  return search === '' ? null : new URLSearchParams(search).get('token');
}

export function sendNoStream(response: ServerResponse): void {
  sendProtocolError(response, 404, noStream);
}

/** Has a request answered by the worker that holds its stream, which listens on this socket. */
export function forwardToStream(socketPath: string, request: IncomingMessage, response: ApiResponse): Promise<void> {
  return forward(request, response, {
    socketPath,
    requestId: response.requestId,
    unreachable: () => sendNoStream(response),
    broken: () => sendProtocolError(response, 502, 'The worker that held this event stream has ended: reserve another'),
  });
}
