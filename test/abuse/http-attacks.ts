import { isUtf8 } from 'node:buffer';
import type { Draw } from '../support/draw.ts';
import { drawnOperation, type Grammar } from '../support/drawn-documents.ts';
import { broken } from '../support/drawn-requests.ts';
import { fitting, misfit, sendable } from '../support/drawn-values.ts';
import { type Bomb, bombText, drawnBomb } from './bombs.ts';
import { expectedOfQuery } from './graphql-oracle.ts';
import { type Expected, executed, refused, requestError } from './outcome.ts';

/** A request to the path of GraphQL that nobody should send. */
export interface HttpAttack {
  readonly kind: string;
  readonly method: string;
  readonly search: string;
  readonly headers: { readonly [name: string]: string };
  readonly body: Buffer;
  readonly expected: Expected;
}

/** What stands around a query. */
interface Envelope {
  readonly method: string;
  readonly search: string;
  readonly headers: { readonly [name: string]: string };
  /** Whether the status of a result tells of request errors. */
  readonly takesStatus: boolean;
  /** Whether what it comes to is told by an event: the status is then that of the stream. */
  readonly takesStream: boolean;
  /** What it comes to, whatever is in it; null: that depends. */
  readonly refused: Expected | null;
}

const json = 'application/json';
const withStatus = 'application/graphql-response+json';

const accepts: readonly (readonly [string, 'json' | 'status' | 'stream' | 'none'])[] = [
  [json, 'json'],
  ['*/*', 'json'],
  [withStatus, 'status'],
  [`${withStatus}, ${json};q=0.9`, 'status'],
  [`${json};q=0.1, ${withStatus};q=0.2`, 'status'],
  [`text/html;q=0.1, ${json}`, 'json'],
  ['text/*', 'stream'],
  ['image/png', 'none'],
  ['application/json;q=0', 'none'],
  ['text/html', 'none'],
  ['nonsense', 'none'],
  [';;;,,,', 'none'],
  [`${json};q=2`, 'none'],
];
const contentTypes: readonly (readonly [string, boolean])[] = [
  [json, true],
  ['Application/JSON; charset="UTF-8"', true],
  [`${json}; charset=utf-16`, false],
  ['text/plain', false],
  ['application/x-www-form-urlencoded', false],
  ['multipart/form-data; boundary=x', false],
  ['application/graphql', false],
  [`text/plain, ${json}`, false],
  ['', false],
];
const unknownMethods = ['HEAD', 'OPTIONS', 'PATCH', 'TRACE', 'PROPFIND', 'REPORT', 'MKCOL', 'LINK', 'PURGE'];
const searches = ['', '', '', '?', '?a=1', '?query={nonsense}', '?variables={}&operationName=B'];
const badSearches = ['?query=%', '?query=%FF', '?variables={', '?extensions=[', '?variables=nonsense'];
const tokens = ['nonsense', '1.nonsense', '999999999.nonsense', '0', '%00', '../../etc/passwd', 'x'.repeat(5_000)];

function drawnEnvelope(draw: Draw): Envelope {
  const headers: { [name: string]: string } = {};
  const [accept, takes] = draw.chance(80) ? draw.one(accepts.slice(0, 6)) : draw.one(accepts);
  headers.accept = accept;
  const [type, isJson] = draw.chance(85) ? (contentTypes[0] as readonly [string, boolean]) : draw.one(contentTypes);
  headers['content-type'] = type;
  if (draw.chance(3)) headers['content-encoding'] = draw.one(['gzip', 'br', 'identity', 'identity, gzip', 'nonsense']);
  if (draw.chance(10)) headers[draw.one(['cookie', 'origin', 'x-request-id', 'sec-fetch-site'])] = drawnText(draw);
  const search = draw.chance(95) ? draw.one(searches) : draw.one(badSearches);
  const takesStatus = takes === 'status';
  const envelope = { method: 'POST', search, headers, takesStatus, takesStream: takes === 'stream' };
  if (draw.chance(3)) return { ...envelope, method: draw.one(unknownMethods), refused: refused(405) };
  if (draw.chance(2)) {
    const method = draw.one(['GET', 'POST', 'DELETE']);
    // Of a GET that takes no page.
    const given = { ...headers, accept: json, 'x-graphql-event-stream-token': draw.one(tokens) };
    return { ...envelope, method, headers: given, refused: refused(404) };
  }
  if (draw.chance(1)) return { ...envelope, method: 'DELETE', refused: refused(404) };
  if (takes === 'none') return { ...envelope, refused: refused(406) };
  const isCoded = !['identity', undefined].includes(headers['content-encoding']);
  if (!isJson || isCoded) return { ...envelope, refused: refused(415) };
  return { ...envelope, refused: badSearches.includes(search) ? refused(400) : null };
}

/** What may stand in a header. */
function drawnText(draw: Draw): string {
  const signs = ['a', '"', "'", '\\', ';', ',', '=', '%0d%0a', '$(x)', '<script>', '\u00e9', '{', ' x'];
  return draw.some(20, () => draw.one(signs)).join('');
}

/** Sent as it should be, or not: bytes that may or may not be a request. */
function drawnBody(draw: Draw, asked: object): Buffer {
  const text = JSON.stringify(asked);
  if (draw.chance(60)) return Buffer.from(text);
  const at = draw.upTo(text.length);
  return draw.one([
    () => Buffer.from(text.slice(0, at)),
    () =>
      Buffer.from(
        text.slice(0, at) + draw.one(['"', '{', '}', '\u0000', '\\', ',', ']', 'null', '💳']) + text.slice(at),
      ),
    () =>
      Buffer.concat([
        Buffer.from(text.slice(0, at)),
        Buffer.from([0x80 + draw.upTo(127)]),
        Buffer.from(text.slice(at)),
      ]),
    () => Buffer.from(text, 'utf16le'),
    () => Buffer.from(`\ufeff${text}`),
    () => Buffer.from(`[${Array.from({ length: 1 + draw.upTo(2_000) }, () => '{"query":"{__typename}"}').join()}]`),
    () => Buffer.from('['.repeat(1 + draw.upTo(100_000))),
    () => Buffer.from('{"a":'.repeat(1 + draw.upTo(50_000))),
    () => Buffer.from(JSON.stringify({ ...asked, query: misfit(draw) })),
    () => Buffer.from(JSON.stringify({ ...asked, variables: draw.one([1, 'x', [], true, [1], null]) })),
    () => Buffer.from(JSON.stringify({ ...asked, operationName: misfit(draw) })),
    () => Buffer.from(JSON.stringify({ ...asked, extensions: draw.one([1, 'x', [], null, {}]) })),
    () =>
      Buffer.from(
        JSON.stringify({ ...asked, [draw.one(['id', 'constructor', '__proto__', 'queries'])]: misfit(draw) }),
      ),
    () => Buffer.from(JSON.stringify(misfit(draw))),
    () => Buffer.from(text.replace('{', '{"__proto__":{"query":"{nonsense}"},')),
    () => Buffer.from(draw.some(200, () => draw.upTo(255))),
    () => Buffer.alloc(0),
  ])();
}

const known = ['query', 'documentId', 'operationName', 'variables', 'extensions'];

/** What bytes must come to, if all that stands around them is right. */
function expectedOfBody(grammar: Grammar, bytes: Buffer, takesStatus: boolean): Expected {
  let body: { readonly [name: string]: unknown };
  try {
    if (!isUtf8(bytes)) return refused(400);
    body = JSON.parse(bytes.toString().replace(/^\ufeff/, ''));
  } catch {
    return refused(400);
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return refused(400);
  const { query, variables, operationName, extensions } = body;
  const isObject = (value: unknown) => (value ?? null) === null || (typeof value === 'object' && !Array.isArray(value));
  const isText = (operationName ?? null) === null || typeof operationName === 'string';
  if (typeof query !== 'string' || !isObject(variables) || !isText)
    return { status: [400], codes: ['BAD_REQUEST', null], fails: true };
  const ofQuery = expectedOfQuery(grammar.schema, { query, variables, operationName }, takesStatus);
  // Who looks first at what else is sent is not held.
  const isStrange = !isObject(extensions) || Object.keys(body).some((name) => !known.includes(name));
  if (isStrange || query === '') return { status: [200, 400, 406], codes: null, fails: false };
  return ofQuery;
}

/** A document of the schema's own, mostly broken in some place, with variables that mostly do not fit. */
export function drawnDocument(draw: Draw, grammar: Grammar) {
  const kind = draw.one(['query', 'query', 'query', 'mutation', 'subscription'] as const);
  const asked = drawnOperation(draw, grammar, kind, draw.chance(30) ? 'A' : null);
  let query = asked.text;
  for (let mistakes = draw.upTo(3); mistakes > 0; mistakes--) query = broken(draw, query);
  const given = asked.variables.filter(() => draw.chance(90));
  const variables = Object.fromEntries(
    given.map(({ name, type }) => [
      name,
      draw.chance(75) ? sendable(fitting(draw, type, grammar.pools)) : misfit(draw),
    ]),
  );
  const operationName = draw.chance(85) ? undefined : draw.one(['A', 'B', '', 'A of']);
  return { kind, query, variables, operationName };
}

function documentAttack(draw: Draw, grammar: Grammar): HttpAttack {
  const { kind, ...asked } = drawnDocument(draw, grammar);
  const drawn = drawnEnvelope(draw);
  // As a stream, it would have no end.
  const isEndless = kind === 'subscription' && drawn.refused === null;
  const asJson = { takesStatus: false, takesStream: false, headers: { ...drawn.headers, accept: json } };
  const envelope = isEndless ? { ...drawn, ...asJson } : drawn;
  const body = drawnBody(draw, asked);
  const { takesStatus, takesStream } = envelope;
  const ofBody = expectedOfBody(grammar, body, takesStatus);
  const told = takesStream ? { ...ofBody, status: [200, ...ofBody.status] } : ofBody;
  return { kind: 'a document', ...envelope, body, expected: envelope.refused ?? told };
}

/** By GET: nothing that changes anything. */
function getAttack(draw: Draw, grammar: Grammar): HttpAttack {
  const { query, variables } = drawnDocument(draw, grammar);
  const search = `?query=${encodeURIComponent(query.toWellFormed())}&variables=${encodeURIComponent(JSON.stringify(variables).toWellFormed())}`;
  const ofQuery = expectedOfQuery(grammar.schema, { query, variables }, true);
  // A mutation is refused as such before its variables are looked at.
  const status = [...ofQuery.status, 405];
  const expected = { ...ofQuery, status, codes: null, fails: false };
  const headers = { accept: withStatus };
  // Node takes a head of 16 KB.
  const isTooLong = search.length > 15_000;
  return {
    ...{ kind: 'a GET', method: 'GET', search: isTooLong ? '' : search, headers, body: Buffer.alloc(0) },
    expected: isTooLong ? refused(400) : expected,
  };
}

function bombAttack(draw: Draw, bodyLimitBytes: number): HttpAttack {
  const bomb = drawnBomb(draw);
  const body = Buffer.from(bombText(bomb));
  const headers = { accept: withStatus, 'content-type': json };
  const expected = body.length > bodyLimitBytes ? refused(413) : expectedOfBomb(bomb);
  return { kind: `a bomb of ${bomb.kind}`, method: 'POST', search: '', headers, body, expected };
}

function expectedOfBomb({ codes, mayPass = false }: Bomb): Expected {
  if (mayPass) return { status: [200, 400], codes, fails: false };
  if (codes.length === 0) return { status: [200], codes: [], fails: false };
  if (codes.includes('ID_INVALID')) return { ...executed, status: [200], codes, fails: true };
  return requestError(true, ...codes);
}

function largeAttack(draw: Draw, bodyLimitBytes: number): HttpAttack {
  const body = Buffer.alloc(bodyLimitBytes + 1 + draw.upTo(bodyLimitBytes), draw.one(['{', ' ', 'x', '\u0000']));
  const headers = { accept: json, 'content-type': json };
  return { kind: 'a large body', method: 'POST', search: '', headers, body, expected: refused(413) };
}

/** Draws one. */
export function drawnHttpAttack(draw: Draw, grammar: Grammar, bodyLimitBytes: number): HttpAttack {
  const kind = draw.upTo(99);
  if (kind < 60) return documentAttack(draw, grammar);
  if (kind < 70) return getAttack(draw, grammar);
  if (kind < 98) return bombAttack(draw, bodyLimitBytes);
  return largeAttack(draw, bodyLimitBytes);
}
