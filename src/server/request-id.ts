import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

const acceptable = /^[A-Za-z0-9._:@/+=-]{1,128}$/;

/** The caller's `x-request-id`, if it is one that belongs in a log line; else a new one. */
export function requestIdOf(request: IncomingMessage): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && acceptable.test(given) ? given : randomUUID();
}

const current = new AsyncLocalStorage<string>();

/** Runs work on behalf of a request, so that whatever fails in it can be logged under the request's id. */
export function runAs<T>(requestId: string, work: () => T): T {
  return current.run(requestId, work);
}

/** The id of the request on whose behalf this runs. */
export function currentRequestId(): string {
  return current.getStore() ?? 'none';
}
