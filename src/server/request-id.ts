import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';

const acceptable = /^[A-Za-z0-9._:@/+=-]{1,128}$/;

/** The caller's `x-request-id`, if it is one that belongs in a log line; else a new one. */
export function requestIdFrom(given: string | readonly string[] | undefined): string {
  return typeof given === 'string' && acceptable.test(given) ? given : newId();
}

/** Of this process; a random id for each request takes several times as long as to count them. */
const stem = randomBytes(9).toString('base64url');
let count = 0;

function newId(): string {
  count += 1;
  return `${stem}-${count}`;
}

/** Of one request. */
const mostReports = 10;

interface Work {
  readonly requestId: string;
  /** The errors of it that were logged; null while there are none, as in most. */
  reported: Set<string> | null;
}

const current = new AsyncLocalStorage<Work>();

/** Runs work on behalf of a request, so that whatever fails in it can be logged under the request's id. */
export function runAs<T>(requestId: string, work: () => T): T {
  return current.run({ requestId, reported: null }, work);
}

/**
 * As `runAs`, a moment later. When work begun by `runAs` goes on by itself, Node leaves its caller with a frame of context
 * storage of its own, which one that waits for as long as a subscription lasts would hold on to.
 */
export async function runApartAs<T>(requestId: string, work: () => T): Promise<Awaited<T>> {
  await null;
  return await runAs(requestId, work);
}

/** The id of the request on whose behalf this runs. */
export function currentRequestId(): string {
  return current.getStore()?.requestId ?? 'none';
}

/**
 * Whether this error is to be logged: the same one has not come up before on behalf of the same request, of which a single
 * fault may fail a thousand fields, and neither have many others.
 */
export function isFirstReport(error: unknown): boolean {
  const store = current.getStore();
  if (!store) return true;
  store.reported ??= new Set();
  const { reported } = store;
  const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  if (reported.has(what) || reported.size >= mostReports) return false;
  reported.add(what);
  return true;
}
