/** Seconds since 1970 of the text beside it. */
let dated = Number.NaN;
let date = '';

/** Of a 200, as Node's own responses have it. */
export interface PlainAnswer {
  readonly contentType: string;
  readonly requestId: string;
  readonly body: string;
  /** How long the connection may idle behind it, in seconds; null: it is closed. */
  readonly keptSeconds: number | null;
}

/** Writes a response in one text. @returns it, and whether it is of ASCII alone. */
export function plainAnswer({
  contentType,
  requestId,
  body,
  keptSeconds,
}: PlainAnswer): [text: string, isAscii: boolean] {
  const length = Buffer.byteLength(body);
  const kept =
    keptSeconds === null ? 'Connection: close' : `Connection: keep-alive\r\nKeep-Alive: timeout=${keptSeconds}`;
  const text =
    `HTTP/1.1 200 OK\r\ncontent-type: ${contentType}\r\ncontent-length: ${length}\r\nx-request-id: ${requestId}\r\n` +
    `x-content-type-options: nosniff\r\nDate: ${httpDate()}\r\n${kept}\r\n\r\n${body}`;
  return [text, length === body.length];
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
