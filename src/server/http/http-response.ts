import type { ServerResponse } from 'node:http';
import { EventWriter } from '../sse/event-writer.ts';

/** Answers in JSON. */
export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  send(response, status, 'application/json; charset=utf-8', `${JSON.stringify(body)}\n`);
}

/** Answers what is not GraphQL in a form that GraphQL clients can still show. */
export function sendProtocolError(response: ServerResponse, status: number, message: string): void {
  sendJson(response, status, { errors: [{ message }] });
}

/** To a client that has too much of something: it may come again when it has less. */
export function sendTooMany(response: ServerResponse, message: string): void {
  response.setHeader('retry-after', '5');
  sendJson(response, 429, { errors: [{ message, extensions: { code: 'RATE_LIMITED' } }] });
}

export function send(response: ServerResponse, status: number, contentType: string, body: string | Buffer): void {
  const length = Buffer.byteLength(body);
  response.writeHead(status, ['content-type', contentType, 'content-length', String(length)]);
  // A text of ASCII alone is sent as it lies in memory.
  if (typeof body === 'string' && length === body.length) response.end(body, 'latin1');
  else response.end(body);
}

/**
 * Writes what the GraphQL pipeline answers; a stream goes on until it ends or the client leaves.
 * @param onTooSlow told of a client that takes nothing of a stream, when its connection is broken.
 */
export async function sendFetchResponse(
  answer: Response,
  response: ServerResponse,
  onTooSlow: () => void,
): Promise<void> {
  const contentType = answer.headers.get('content-type') ?? '';
  response.statusCode = answer.status;
  // Of a stream, Yoga says that its connection is kept: that is for the server to say.
  answer.headers.delete('connection');
  response.setHeaders(answer.headers);
  if (!/^(text\/event-stream|multipart\/)/.test(contentType)) {
    const text = await answer.text();
    response.setHeader('content-length', Buffer.byteLength(text));
    response.end(text);
    return;
  }
  const reader = answer.body?.getReader();
  const left = () => void reader?.cancel().catch(() => {});
  response.once('close', left);
  if (response.destroyed) left();
  response.flushHeaders();
  const writer = new EventWriter(response, { onTooSlow });
  for (;;) {
    const part = await reader?.read();
    if (!part || part.done || response.destroyed) break;
    await writer.write(() => part.value);
  }
  response.end();
}
