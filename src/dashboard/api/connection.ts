import { signal } from '@preact/signals';
import { CloseCode, createClient, type ExecutionResult } from 'graphql-ws';
import { credentials, keyWanted, wantKey } from './credentials.ts';

/** How the page's WebSocket is. */
export type Connection =
  | { readonly state: 'connecting' }
  | { readonly state: 'live' }
  /** It is being tried again; `since` and `nextTryAt` are by the browser's clock, in milliseconds. */
  | { readonly state: 'lost'; readonly since: number; readonly attempt: number; readonly nextTryAt: number | null };

/** What is shown of the connection, and what else hangs on it. */
export const connection = signal<Connection>({ state: 'connecting' });

const longestWaitMs = 5_000; // 5 seconds
const pingEveryMs = 5_000; // 5 seconds
const pongWithinMs = 5_000; // 5 seconds
const againAfterMs = 2_000; // 2 seconds
const anewAfterMs = 30_000; // 30 seconds

let pong: ReturnType<typeof setTimeout> | undefined;
const reconnected = new Set<() => void>();

const client = createClient({
  url: new URL('graphql', document.baseURI).href.replace(/^http/, 'ws'),
  lazy: false,
  connectionParams: credentials,
  // Of what it gives up for, the page says why.
  onNonLazyError: () => {},
  // A page may be left open for weeks, and the API be away for a night.
  retryAttempts: Number.POSITIVE_INFINITY,
  shouldRetry: () => true,
  retryWait: waitToRetry,
  keepAlive: pingEveryMs,
  on: {
    connected: (_socket, _payload, wasRetry) => {
      connection.value = { state: 'live' };
      if (wasRetry) for (const tell of reconnected) tell();
    },
    ping: (received) => {
      // A connection may be dead without either side knowing.
      if (!received) pong = setTimeout(() => client.terminate(), pongWithinMs);
    },
    pong: (received) => {
      if (received) clearTimeout(pong);
    },
    closed: (event) => {
      clearTimeout(pong);
      const { code, reason } = event as CloseEvent;
      if (code === CloseCode.Unauthorized) wantKey(reason);
      const { value: before } = connection;
      if (before.state !== 'lost') connection.value = { state: 'lost', since: Date.now(), attempt: 0, nextTryAt: null };
    },
  },
});

/** Waits longer each time, never at the pace of other pages, and no longer than until the network is back. */
async function waitToRetry(attempt: number): Promise<void> {
  const ms = Math.min(longestWaitMs, 250 * 2 ** attempt) * (0.5 + Math.random() / 2);
  const { value: before } = connection;
  const since = before.state === 'lost' ? before.since : Date.now();
  connection.value = { state: 'lost', since, attempt: attempt + 1, nextTryAt: Date.now() + ms };
  await new Promise<void>((resolve) => {
    const go = () => {
      clearTimeout(timer);
      window.removeEventListener('online', go);
      resolve();
    };
    const timer = setTimeout(go, ms);
    window.addEventListener('online', go);
  });
}

/** Calls back whenever the connection is there again after it was lost. */
export function onReconnected(tell: () => void): () => void {
  reconnected.add(tell);
  return () => reconnected.delete(tell);
}

/**
 * Subscribes until what it returns is called; it outlasts lost connections, after each of which it begins anew, and what the
 * API refuses for now.
 * @param variables asked for at each beginning: what a client has by then is another matter than what it had.
 */
export function subscribe<Data>(
  query: string,
  variables: () => Readonly<Record<string, unknown>>,
  {
    next,
    failed,
  }: { next: (result: ExecutionResult<Data>) => void; failed: (message: string, isForbidden: boolean) => void },
): () => void {
  const payload = {
    query,
    // The client writes the payload out each time it connects.
    get variables() {
      return variables();
    },
  };
  let ended = false;
  /** Whether the newest message said that what it is about could not be had. */
  let away = false;
  let stop = () => {};
  let end = begin();
  return () => {
    ended = true;
    stop();
    end();
  };

  function begin(): () => void {
    return client.subscribe<Data>(payload, {
      next: (result) => {
        away = result.errors?.some(isUnavailable) ?? false;
        next(result as ExecutionResult<Data>);
      },
      error: (error) => {
        const forbidden = isForbidden(error);
        failed(wordsOf(error), forbidden);
        // Until it is another key, or what this one allows is another.
        if (keyWanted.peek() === null) beginIn(forbidden ? null : againAfterMs);
      },
      // Nothing that this page subscribes to is ever over: its store was away when it began, or there is nothing to watch yet.
      complete: () => {
        if (!ended) beginIn(away ? againAfterMs : anewAfterMs);
      },
    });
  }

  /** Begins anew after a while, or once the connection is another; null: only then. */
  function beginIn(ms: number | null): void {
    const beginAgain = () => {
      stop();
      end = begin();
    };
    const timer = ms === null ? undefined : setTimeout(beginAgain, ms);
    const forget = onReconnected(beginAgain);
    stop = () => {
      clearTimeout(timer);
      forget();
    };
  }
}

function isUnavailable({ extensions }: { readonly extensions?: { readonly code?: unknown } }): boolean {
  return extensions?.code === 'UNAVAILABLE';
}

function isForbidden(error: unknown): boolean {
  return Array.isArray(error) && error.some(({ extensions }) => extensions?.code === 'FORBIDDEN');
}

function wordsOf(error: unknown): string {
  if (Array.isArray(error)) return error.map(({ message }: { message: string }) => message).join('; ');
  return error instanceof Error ? error.message : 'The connection was refused';
}
