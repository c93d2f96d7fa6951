import { createClient as createSseClient, type Client as SseClient } from 'graphql-sse';
import { createClient as createWsClient, type Client as WsClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { ApiClient } from '../support/api.ts';

/** How long a client waits before it connects again; by default they wait for seconds. */
const soon = () => new Promise<void>((resolve) => setTimeout(resolve, 20));

const retryAttempts = Number.POSITIVE_INFINITY;

export function newWsClient(api: ApiClient): WsClient {
  return createWsClient({
    url: api.webSocketUrl,
    webSocketImpl: WebSocket,
    retryAttempts,
    retryWait: soon,
    // By default it gives up where nobody listens when it tries to connect again, as while a server restarts.
    shouldRetry: () => true,
  });
}

export function newSseClient(api: ApiClient, singleConnection = false): SseClient {
  // Two types for one option: the one or the other value.
  const mode = singleConnection ? ({ singleConnection: true } as const) : ({ singleConnection: false } as const);
  return createSseClient({ url: api.graphqlUrl, retryAttempts, retry: soon, ...mode });
}
