import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';

/** Default: 4 MiB, enough for a thousand events with long ids. */
export const defaultBodyLimitBytes = 4 * 1024 * 1024;

/** How much of a body that is too long is read and dropped, in multiples of the limit, so that its sender gets an answer. */
const patience = 16;

const byteOrderMark = 0xfeff;

export class BodyTooLargeError extends Error {
  override readonly name = 'BodyTooLargeError';
}

/** The body is not the text it should be. */
export class BodyEncodingError extends Error {
  override readonly name = 'BodyEncodingError';
}

/** The sender went away before its body was complete. */
export class BodyAbortedError extends Error {
  override readonly name = 'BodyAbortedError';
}

/**
 * Reads a body to its end as UTF-8, holding no more than the limit of it, whatever its Content-Length says.
 * @throws BodyTooLargeError, BodyAbortedError, BodyEncodingError
 */
export function readBody(request: IncomingMessage, limitBytes: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const tooLarge = () => reject(new BodyTooLargeError(`The body is larger than ${limitBytes} bytes`));
    const take = (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= limitBytes) chunks.push(chunk);
      else chunks.length = 0;
      // An answer while the body still comes in would be lost: most clients write all of it before they read.
      if (bytes > limitBytes * patience) tooLarge();
    };
    const aborted = () => reject(new BodyAbortedError('The connection broke before the body was complete'));
    const closed = () => {
      if (!request.complete) aborted();
    };
    const whole = () => {
      // The request lasts as long as its answer, a stream for days; and whoever listens to it holds the body.
      request.off('data', take).off('end', whole).off('error', aborted).off('close', closed).on('error', nothing);
      if (bytes > limitBytes) return tooLarge();
      const text = decodeUtf8(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks));
      return text === null ? reject(new BodyEncodingError('The body is not valid UTF-8')) : resolve(text);
    };
    request.on('data', take).on('end', whole).on('error', aborted).on('close', closed);
  });
}

function nothing(): void {}

/** Null if it is no UTF-8: what cannot be read would all become the same character, and so different ids one. */
export function decodeUtf8(bytes: Uint8Array): string | null {
  if (!isUtf8(bytes)) return null;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  return text.charCodeAt(0) === byteOrderMark ? text.slice(1) : text;
}
