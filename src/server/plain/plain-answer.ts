import type { Socket } from 'node:net';

/** Of a 200, as Node's own responses have it. */
export interface PlainAnswer {
  readonly contentType: string;
  readonly requestId: string;
  /** What all responses bear, each line ended. */
  readonly headerLines: string;
  readonly body: string;
  /** How long the connection may idle behind it, in seconds; null: it is closed. */
  readonly keptSeconds: number | null;
}

/** In characters: what is longer is written as bytes. */
const longText = 65_536;
/** A character of a string takes no more in UTF-8; two that are one take four. */
const mostBytesACharacter = 3;

/** Where a long body is put into bytes, until the system takes longer to send one. */
let room = Buffer.alloc(0);

/** Seconds since 1970 of the text beside it. */
let dated = Number.NaN;
let date = '';

/** Writes a response in one go. */
export function writeAnswer(socket: Socket, answer: PlainAnswer): void {
  if (answer.body.length > longText) writeLong(socket, answer);
  else writeShort(socket, answer);
}

function writeShort(socket: Socket, answer: PlainAnswer): void {
  const length = Buffer.byteLength(answer.body);
  const text = head(answer, length) + answer.body;
  // A text of ASCII alone is sent as it lies in memory.
  socket.write(text, length === answer.body.length ? 'latin1' : 'utf8');
}

/** A long text takes memory of its own each time it is joined, measured or sent, which takes longer than to write it: this one is made once. */
function writeLong(socket: Socket, answer: PlainAnswer): void {
  const most = mostBytesACharacter * answer.body.length;
  if (room.length < most) room = Buffer.allocUnsafeSlow(most);
  const length = room.write(answer.body);
  socket.cork();
  socket.write(head(answer, length), 'latin1');
  socket.write(room.subarray(0, length));
  socket.uncork();
  if (socket.writableLength > 0) room = Buffer.alloc(0);
}

function head({ contentType, requestId, headerLines, keptSeconds }: PlainAnswer, length: number): string {
  const kept =
    keptSeconds === null ? 'Connection: close' : `Connection: keep-alive\r\nKeep-Alive: timeout=${keptSeconds}`;
  return (
    `HTTP/1.1 200 OK\r\ncontent-type: ${contentType}\r\ncontent-length: ${length}\r\nx-request-id: ${requestId}\r\n` +
    `${headerLines}Date: ${httpDate()}\r\n${kept}\r\n\r\n`
  );
}

function httpDate(): string {
  const now = Date.now();
  const second = Math.floor(now / 1_000);
  if (second !== dated) {
    dated = second;
    date = new Date(now).toUTCString();
  }
  return date;
}
