import type { SentRequest } from './both-ways.ts';
import type { Draw } from './draw.ts';
import { type DrawnOperation, drawnOperation, type Grammar } from './drawn-documents.ts';
import { fitting, misfit, sendable } from './drawn-values.ts';

/** Requests that ask for one operation. */
export interface DrawnRequests {
  /** Asks as it should be asked. */
  readonly plain: SentRequest;
  /** What is like it, and may be wrong in any way. */
  readonly others: readonly DrawnRequest[];
}

export interface DrawnRequest {
  readonly request: SentRequest;
  /** Whether the short way answers it, if it is answered without errors after `plain` was; null: who knows. */
  readonly isForShortWay: boolean | null;
}

/** @param most so many requests beside the plain one. */
export function drawnRequests(draw: Draw, grammar: Grammar, kind: 'query' | 'mutation', most: number): DrawnRequests {
  const asksForStream = draw.chance(2);
  const asked = drawnOperation(draw, grammar, asksForStream ? 'subscription' : kind, draw.chance(30) ? 'A' : null);
  const beside = asked.name !== null && draw.chance(30) ? drawnOperation(draw, grammar, kind, 'B') : null;
  const whole = [asked.text, ...(beside ? [beside.text] : [])].join('\n');
  const query = draw.chance(7) ? broken(draw, whole) : whole;
  const isIntact = query === whole;
  const operationName = beside || (asked.name !== null && draw.chance(50)) ? asked.name : undefined;
  const variables = fittingVariables(draw, grammar, asked);
  const others = draw.some(most, (): DrawnRequest => {
    const name = draw.chance(90) ? operationName : draw.one(['B', 'C', '', null, 'A of', 1]);
    const body = draw.chance(93)
      ? {
          bytes: JSON.stringify({ query, variables: drawnVariables(draw, grammar, asked), operationName: name }),
          isPlain: true,
        }
      : { bytes: strangeBody(draw, query, variables, operationName), isPlain: null };
    const head = drawnHead(draw);
    // A stream would have no end.
    const headers = { ...head.headers, ...(asksForStream && { accept: 'application/json' }) };
    const request = { body: body.bytes, headers, search: head.search };
    return {
      request,
      isForShortWay: both(
        isIntact && name === operationName ? asked.isCompilable : null,
        both(body.isPlain, head.isPlain),
      ),
    };
  });
  const headers = { accept: 'application/json' };
  return { plain: { body: JSON.stringify({ query, variables, operationName }), headers }, others };
}

function both(one: boolean | null, other: boolean | null): boolean | null {
  if (one === false || other === false) return false;
  return one && other;
}

function fittingVariables(draw: Draw, { pools }: Grammar, { variables }: DrawnOperation): { [name: string]: unknown } {
  const given = variables.filter(({ hasDefault }) => !hasDefault || draw.chance(50));
  return Object.fromEntries(given.map(({ name, type }) => [name, sendable(fitting(draw, type, pools))]));
}

/** Mostly what fits, with what does not in places of it; or nothing of the kind. */
function drawnVariables(draw: Draw, grammar: Grammar, operation: DrawnOperation): unknown {
  if (draw.chance(3)) return draw.one([null, [], 'x', 1, undefined, {}]);
  const variables = fittingVariables(draw, grammar, operation);
  const names = Object.keys(variables);
  if (draw.chance(5)) variables[draw.one(['unknown', 'constructor', 'v0'])] = misfit(draw);
  if (names.length === 0 || !draw.chance(15)) return variables;
  const name = draw.one(names);
  if (draw.chance(30)) delete variables[name];
  else variables[name] = withMisfit(draw, variables[name]);
  return variables;
}

/** A misfit instead of a value, or somewhere in it. */
function withMisfit(draw: Draw, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || draw.chance(30)) return misfit(draw);
  if (Array.isArray(value)) {
    const place = draw.upTo(value.length);
    return value.toSpliced(place, 1, withMisfit(draw, value[place]));
  }
  const names = Object.keys(value);
  const name = names.length > 0 && draw.chance(85) ? draw.one(names) : 'unknown';
  return { ...value, [name]: withMisfit(draw, (value as { [name: string]: unknown })[name]) };
}

/** A document with a mistake in it. */
export function broken(draw: Draw, text: string): string {
  const place = draw.upTo(text.length);
  const [before, after] = [text.slice(0, place), text.slice(place)];
  const mistake = draw.upTo(8);
  if (mistake === 0) return before + after.slice(1);
  if (mistake === 1)
    return before + draw.one(['}', '{', '"', '$', '@x', ' unknown ', '\u0000', '#', '!', ')', '...F9 ']) + after;
  if (mistake === 2) return text.replace(/ \{/, ' @unknown {');
  if (mistake === 3) return text.replace(/\{ /, '{ unknown ');
  if (mistake === 4) return text.replace(/^query|^\{/, 'mutation {');
  if (mistake === 5) return `${text} ${text}`;
  if (mistake === 6) return text.replace(/\$\w+: /, '$unused: ');
  if (mistake === 7) return text.replace(/\(/, '(unknown: 1, ');
  return before;
}

function strangeBody(draw: Draw, query: string, variables: object, operationName: unknown): string | Buffer {
  const sent = { query, variables, operationName };
  const text = JSON.stringify(sent);
  return draw.one([
    () => `\ufeff${text}`,
    () => `[${text}]`,
    () => `[${text},${text}]`,
    () => JSON.stringify({ ...sent, extensions: draw.one([{ a: 1 }, {}, null, [], 'x']) }),
    () => JSON.stringify({ ...sent, id: 1 }),
    () => JSON.stringify({ ...sent, query: draw.one([null, undefined, 1, '', {}, [query]]) }),
    () => JSON.stringify(draw.one([null, 1, 'x', true, {}, []])),
    () => text.slice(0, -1 - draw.upTo(20)),
    () => `${text}x`,
    () => '',
    () => ` ${text}\n`,
    () => text.replace('{', '{"query":"{ motto }",'),
    () => text.replace(/\}$/, ',"query":"{ motto }"}'),
    () => text.replace('{', '{"__proto__":{"query":"{ motto }"},'),
    () => text.replace('"variables":{', '"variables":{"__proto__":{"v0":"b2"},'),
    () => text.replace('"variables":{', '"variables":{"v0":"b1","v0":null,'),
    () => Buffer.concat([Buffer.from(text.slice(0, -2)), Buffer.from([0xff]), Buffer.from(text.slice(-2))]),
    () => Buffer.from(text, 'utf16le'),
  ])();
}

/** Media types that a client may take: mostly what all do. */
const accepts = [
  ...['application/json', 'application/graphql-response+json', '*/*', 'application/*', ''],
  'application/graphql-response+json, application/json;q=0.9',
  'application/json;q=0.5, application/graphql-response+json',
  'application/json, application/graphql-response+json',
  'text/html;q=0.1, application/json; charset=utf-8',
];
const otherAccepts = [
  'multipart/mixed',
  'application/json;q=0',
  'image/png',
  'nonsense',
  'application/json;charset=latin1',
];
const contentTypes = ['application/json; charset=utf-8', 'Application/JSON; charset="UTF-8"', 'application/json;x=1'];
const otherContentTypes = ['text/plain', 'application/graphql', 'application/json; charset=utf-16', ''];

function drawnHead(draw: Draw): {
  readonly headers: { [name: string]: string };
  readonly search: string;
  readonly isPlain: boolean;
} {
  const headers: { [name: string]: string } = {};
  let isPlain = true;
  if (draw.chance(60)) headers.accept = draw.one(accepts);
  if (draw.chance(8)) headers['content-type'] = draw.one(contentTypes);
  if (draw.chance(3)) {
    isPlain = false;
    headers[draw.one(['accept', 'content-type'])] = '';
    if (headers.accept === '') headers.accept = draw.one(otherAccepts);
    else headers['content-type'] = draw.one(otherContentTypes);
  }
  if (draw.chance(1)) headers['content-encoding'] = draw.one(['identity', 'gzip']);
  const search = draw.chance(3)
    ? draw.one(['?', '?query={motto}', '?variables={"v0":"b2"}', '?a=1&operationName=B'])
    : '';
  return { headers, search, isPlain: isPlain && headers['content-encoding'] !== 'gzip' };
}
