import { maxHeaderSize } from 'node:http';
import type { TraceHeaders } from '../../measure/index.ts';
import { graphqlPath } from '../graphql/pipeline.ts';
import { unsupportedBody } from '../http/media-types.ts';
import { acceptedTypes, contentTypes } from '../http/result-types.ts';

/** What a plain request says before its body. */
export interface PlainHead {
  /** How long it is, and its body. */
  readonly bytes: number;
  readonly bodyBytes: number;
  /** Of the response, if there is a result. */
  readonly contentType: string;
  /** As the client has it. */
  readonly requestId: string | undefined;
  /** The trace that the request is a part of, as its client says. */
  readonly trace: TraceHeaders;
  /** The Authorization header; the same text for heads that are the same. */
  readonly authorization: string | undefined;
  /** Of the page that asks; undefined: it is none. */
  readonly origin: string | undefined;
  /** For whom a proxy asks, as it says. */
  readonly forwardedFor: string | undefined;
}

/** A head, in two parts between which the length of the body stands. */
interface KnownHead {
  readonly before: Buffer;
  readonly behind: Buffer;
  readonly head: PlainHead;
}

const requestLine = Buffer.from(`POST ${graphqlPath} HTTP/1.1\r\n`);
const end = '\r\n\r\n';
/** Node takes no more either, nor than `maxHeaderSize`. */
const mostLines = 1_000;
/** Longer ones are not kept for the next. */
const mostKeptBytes = 2_048;
const line = /^([\w!#$%&'*+.^`|~-]+): *([\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)$/;
const lengthLine = /\r\ncontent-length: *(\d+)(?=\r\n)/i;
const mostLengthDigits = 15;
const zero = 48;

/** Those that say of the request what is looked at here: each may come once. */
const known = [
  'host',
  'content-length',
  'content-type',
  'accept',
  'connection',
  'x-request-id',
  'traceparent',
  'tracestate',
  'authorization',
  'origin',
  'x-forwarded-for',
] as const;
type Known = (typeof known)[number];
const knownNames: ReadonlySet<string> = new Set(known);
/** Those that make a request another than a plain one. */
const others: ReadonlySet<string> = new Set([
  'content-encoding',
  'expect',
  'proxy-connection', // to Node it is a connection
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-graphql-event-stream-token',
]);

/** The heads of plain requests on one connection, of which most are as the one before, but for the length of the body. */
export class PlainHeads {
  readonly #bodyLimitBytes: number;
  readonly #servesHost: (host: string) => boolean;
  #last: KnownHead | null = null;

  /** @param bodyLimitBytes a request with a longer body is no plain one; nor one to a host by which nobody may ask. */
  constructor(bodyLimitBytes: number, servesHost: (host: string) => boolean = () => true) {
    this.#bodyLimitBytes = bodyLimitBytes;
    this.#servesHost = servesHost;
  }

  /**
   * The head of a POST of JSON to the path of GraphQL, whose result is no stream, where it is written so plainly that nobody could read
   * it in another way. Null of all else, and of what has not come whole: Node's own parser decides about that.
   */
  read(bytes: Buffer): PlainHead | null {
    const head = this.#again(bytes) ?? this.#anew(bytes);
    return head && head.bodyBytes <= this.#bodyLimitBytes ? head : null;
  }

  #again(bytes: Buffer): PlainHead | null {
    if (this.#last === null) return null;
    const { before, behind, head } = this.#last;
    if (!holds(bytes, before, 0)) return null;
    let at = before.length;
    let bodyBytes = 0;
    for (let digit = (bytes[at] ?? 0) - zero; digit >= 0 && digit <= 9; digit = (bytes[at] ?? 0) - zero) {
      bodyBytes = 10 * bodyBytes + digit;
      at += 1;
    }
    const digits = at - before.length;
    if (digits === 0 || digits > mostLengthDigits || !holds(bytes, behind, at)) return null;
    return { ...head, bytes: at + behind.length, bodyBytes };
  }

  #anew(bytes: Buffer): PlainHead | null {
    if (!holds(bytes, requestLine, 0)) return null;
    const to = bytes.indexOf(end, requestLine.length, 'latin1');
    if (to < 0 || to > maxHeaderSize) return null;
    const text = bytes.toString('latin1', 0, to + end.length);
    const head = plainHead(text, this.#servesHost);
    if (!head) return null;
    if (text.length > mostKeptBytes) return head;
    const { 0: given, 1: digits = '', index } = lengthLine.exec(text) as RegExpExecArray;
    const at = index + given.length;
    // A copy of its own: the bytes are of all that has come with them.
    const copy = Buffer.allocUnsafeSlow(text.length);
    bytes.copy(copy);
    this.#last = { before: copy.subarray(0, at - digits.length), behind: copy.subarray(at), head };
    return head;
  }
}

function holds(bytes: Buffer, part: Buffer, at: number): boolean {
  return bytes.subarray(at, at + part.length).equals(part);
}

function plainHead(text: string, servesHost: (host: string) => boolean): PlainHead | null {
  const headers = plainHeaders(text.slice(requestLine.length, -end.length));
  if (headers?.host === undefined || !servesHost(headers.host) || !isLasting(headers.connection)) return null;
  const { accept, 'content-length': length = '', 'content-type': type } = headers;
  const contentType = contentTypes[acceptedTypes(accept)[0] ?? ''];
  if (contentType === undefined || unsupportedBody({ 'content-type': type }) !== null) return null;
  if (!/^\d+$/.test(length) || length.length > mostLengthDigits) return null;
  const { 'x-request-id': requestId, 'x-forwarded-for': forwardedFor, authorization, origin } = headers;
  const { traceparent, tracestate } = headers;
  return {
    ...{ bytes: text.length, bodyBytes: Number(length), contentType, requestId },
    ...{ authorization, origin, forwardedFor, trace: { traceparent, tracestate } },
  };
}

type Headers = { [name in Known]?: string };

function plainHeaders(text: string): Headers | null {
  const headers: Headers = {};
  const lines = text.split('\r\n');
  if (lines.length > mostLines) return null;
  for (const one of lines) {
    const [, given = '', value] = line.exec(one) ?? [];
    const name = given.toLowerCase();
    if (value === undefined || others.has(name)) return null;
    if (!knownNames.has(name)) continue;
    if (headers[name as Known] !== undefined) return null;
    headers[name as Known] = value;
  }
  return headers;
}

function isLasting(connection: string | undefined): boolean {
  return connection === undefined || /^keep-alive$/i.test(connection);
}
