import type { ServerResponse } from 'node:http';
import { heldRetrySeconds, retryAfterSeconds, tooManyRequests } from '../rates/rate-limited.ts';
import type { NoRoomError } from './body.ts';
import { sendJson } from './http-response.ts';

/** To a client that has to wait. */
export function sendTooManyRequests(response: ServerResponse, waitMs: number): void {
  const { message, extensions } = tooManyRequests(waitMs);
  response.setHeader('retry-after', retryAfterSeconds(waitMs));
  sendJson(response, 429, { errors: [{ message, extensions }] });
}

/** To a client that has too much of something: it may come again when it has less. */
export function sendTooMany(response: ServerResponse, message: string): void {
  sendRetryLater(response, 429, message, 'RATE_LIMITED');
}

/** To whoever sends more at a time than there is room for. */
export function sendNoRoom(response: ServerResponse, { message, why }: NoRoomError): void {
  if (why === 'client') sendRetryLater(response, 429, message, 'RATE_LIMITED');
  else sendRetryLater(response, 503, message, 'UNAVAILABLE');
}

/** To whoever sends more values than may be. */
export function sendTooComplex(response: ServerResponse, message: string): void {
  sendJson(response, 400, { errors: [{ message, extensions: { code: 'QUERY_TOO_COMPLEX' } }] });
}

/** To a page of another origin. */
export function sendForeignPage(response: ServerResponse): void {
  sendForbidden(response, 'Pages of this origin may not ask here: FRESHET_CORS_ORIGINS lists those that may');
}

/** To whoever may be a page that has another name lead here. */
export function sendForeignHost(response: ServerResponse): void {
  sendForbidden(response, 'Freshet is not asked by this name here: FRESHET_HOSTS lists those by which it may be');
}

function sendRetryLater(response: ServerResponse, status: number, message: string, code: string): void {
  response.setHeader('retry-after', heldRetrySeconds);
  sendJson(response, status, { errors: [{ message, extensions: { code } }] });
}

function sendForbidden(response: ServerResponse, message: string): void {
  sendJson(response, 403, { errors: [{ message, extensions: { code: 'FORBIDDEN' } }] });
}
