import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { Gathered } from '../gathered.ts';
import { freeBytes, type NoRoom, type RequestRoom } from '../guard/room.ts';
import { countValues, mostJsonValues } from '../json-values.ts';

/** Default: 4 MiB, enough for a thousand events with long ids. */
export const defaultBodyLimitBytes = 4 * 1024 * 1024;

/** How much of a body that is too long is read and dropped, in multiples of the limit, so that its sender gets an answer. */
const patience = 16;

/** What a byte of a body takes: as it comes, as text, and in the values that are made of that. */
const bytesOfByte = 3;
/** What a value takes, at most, as objects and lists do. */
const bytesOfValue = 64;

/** What is so short, in bytes, is not looked at: it is free. */
export const shortBody = freeBytes / bytesOfByte;

const byteOrderMark = 0xfeff;

export class BodyTooLargeError extends Error {
  override readonly name = 'BodyTooLargeError';
}

/** The body has more values than may be. */
export class BodyTooComplexError extends Error {
  override readonly name = 'BodyTooComplexError';
}

/** So much is under way that there is no room for the body. */
export class NoRoomError extends Error {
  override readonly name = 'NoRoomError';
  readonly why: NoRoom;

  constructor(why: NoRoom) {
    const whose = why === 'client' ? 'a client' : 'all clients';
    super(
      `The requests of ${whose} that are under way are too large together: wait for answers, or send less at a time`,
    );
    this.why = why;
  }
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
 * @param room of which it takes what it and its values need.
 * @throws BodyTooLargeError, BodyTooComplexError, NoRoomError, BodyAbortedError, BodyEncodingError
 */
export async function readBody(request: IncomingMessage, limitBytes: number, room: RequestRoom): Promise<string> {
  const gathered = new Gathered();
  let lack: NoRoom | null = null;
  const drop = () => {
    gathered.clear();
    room.release();
  };
  const take = (chunk: Buffer) => {
    lack ??= room.take(bytesOfByte * chunk.length);
    if (lack === null) gathered.add(chunk);
    else drop();
  };
  await eachChunk(request, limitBytes, take, drop);
  if (lack !== null) throw new NoRoomError(lack);
  const text = decodeUtf8(gathered.take());
  if (text === null) throw new BodyEncodingError('The body is not valid UTF-8');
  lack = takeValues(text, room);
  if (lack !== null) throw new NoRoomError(lack);
  return text;
}

/** Reads a body to its end, and keeps nothing of it. @throws BodyTooLargeError, BodyAbortedError */
export function dropBody(request: IncomingMessage, limitBytes: number): Promise<void> {
  return eachChunk(request, limitBytes, nothing, nothing);
}

/** Takes room for a body that has come. @throws BodyTooComplexError */
export function takeBody(text: string, bytes: number, room: RequestRoom): NoRoom | null {
  return room.take(bytesOfByte * bytes) ?? takeValues(text, room);
}

function takeValues(text: string, room: RequestRoom): NoRoom | null {
  if (text.length <= shortBody) return null;
  const values = countValues(text);
  if (values > mostJsonValues) throw new BodyTooComplexError(`The body has more than ${mostJsonValues} values`);
  return room.take(bytesOfValue * values);
}

/** Gives what comes of a body, has it dropped if it becomes too large, and resolves at its end. */
function eachChunk(
  request: IncomingMessage,
  limitBytes: number,
  take: (chunk: Buffer) => void,
  drop: () => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let bytes = 0;
    const tooLarge = () => reject(new BodyTooLargeError(`The body is larger than ${limitBytes} bytes`));
    const receive = (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= limitBytes) take(chunk);
      else drop();
      // An answer while the body still comes in would be lost: most clients write all of it before they read.
      if (bytes > limitBytes * patience) tooLarge();
    };
    const aborted = () => reject(new BodyAbortedError('The connection broke before the body was complete'));
    const closed = () => {
      if (!request.complete) aborted();
    };
    const whole = () => {
      // The request lasts as long as its answer, a stream for days; and whoever listens to it holds the body.
      request.off('data', receive).off('end', whole).off('error', aborted).off('close', closed).on('error', nothing);
      if (bytes > limitBytes) tooLarge();
      else resolve();
    };
    request.on('data', receive).on('end', whole).on('error', aborted).on('close', closed);
  });
}

/** Null if it is no UTF-8: what cannot be read would all become the same character, and so different ids one. */
export function decodeUtf8(bytes: Uint8Array): string | null {
  if (!isUtf8(bytes)) return null;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  return text.charCodeAt(0) === byteOrderMark ? text.slice(1) : text;
}

function nothing(): void {}
