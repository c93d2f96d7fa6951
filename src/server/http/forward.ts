import { type IncomingHttpHeaders, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { socketOf } from '../plain/socket-stand-in.ts';

export interface ForwardOptions {
  /** Of whoever is to answer. */
  readonly socketPath: string;
  readonly requestId: string;
  /** Answers where nobody listens there. */
  readonly unreachable: () => void;
  /** Answers where whoever listens there has ended before it did. */
  readonly broken: () => void;
}

/** Of a connection, and not of what is asked. A body is framed anew, and `Expect` was answered. */
const ofConnection = /^(connection|keep-alive|proxy-connection|te|trailer|transfer-encoding|upgrade|expect)$/;

/**
 * Has a request answered by another process, through its socket: what comes of either side is passed on as it comes, no
 * faster than the other takes it, and who leaves takes the other along.
 */
export function forward(asked: IncomingMessage, answer: ServerResponse, options: ForwardOptions): Promise<void> {
  const { socketPath, requestId, unreachable, broken } = options;
  const { method = 'GET', url = '/', headers, socket } = asked;
  const forwardedFor = [headers['x-forwarded-for'], socketOf(asked).remoteAddress].filter((one) => one !== undefined);
  const post = method === 'POST';
  const { 'content-length': length, ...rest } = endToEnd(headers);
  const inner = request({
    socketPath,
    method,
    path: url,
    agent: false,
    // Kept, so that who answers before it has read the body still takes the rest of it, as from any client.
    headers: {
      ...rest,
      ...(post && length !== undefined && { 'content-length': length }),
      'x-request-id': requestId,
      'x-forwarded-for': forwardedFor.join(', '),
      connection: 'keep-alive',
    },
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  const finish = () => {
    asked.unpipe(inner);
    asked.resume();
    inner.destroy();
    resolve();
  };
  answer.once('close', finish);
  inner.once('response', (told) => {
    answer.writeHead(told.statusCode ?? 502, endToEnd(told.headers));
    told.pipe(answer);
    told.once('error', () => socket.destroy()); // what was cut short must not look whole
  });
  inner.on('error', (error: NodeJS.ErrnoException) => {
    if (answer.headersSent || answer.destroyed) return;
    if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') unreachable();
    else broken();
  });
  if (answer.destroyed) finish();
  // Only a POST has a body here. Of others it would go out without a frame, and be taken for a request of its own.
  else if (post) asked.pipe(inner);
  else inner.end();
  return promise;
}

function endToEnd(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const named = (headers.connection ?? '').toLowerCase().split(/[\s,]+/);
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !ofConnection.test(name) && !named.includes(name)),
  );
}
