import type { IncomingHttpHeaders } from 'node:http';
import { LRUCache } from 'lru-cache';

interface Range {
  readonly type: string;
  readonly quality: number;
}

/** As `negotiate`, for clients that say the same again and again. */
export function negotiator<Type extends string>(
  offered: readonly Type[],
): (accept: string | undefined) => readonly Type[] {
  const known = new LRUCache<string, readonly Type[]>({
    max: 500,
    maxSize: 65_536,
    sizeCalculation: (_, accept) => 1 + accept.length,
  });
  return (accept) => {
    if (!accept) return offered;
    const before = known.get(accept);
    if (before) return before;
    const types = negotiate(accept, offered);
    known.set(accept, types);
    return types;
  };
}

/**
 * Which of the offered media types an Accept header takes, the preferred first: by quality, then by the header's order,
 * then by ours. Without a header it takes all.
 */
export function negotiate<Type extends string>(accept: string | undefined, offered: readonly Type[]): readonly Type[] {
  if (accept === undefined || accept.trim() === '') return offered;
  const ranges = accept.split(',').flatMap(parseRange);
  return offered
    .flatMap((type) => {
      const place = placeOf(type, ranges);
      const quality = ranges[place]?.quality ?? 0;
      return quality > 0 ? [{ type, place, quality }] : [];
    })
    .sort((one, other) => other.quality - one.quality || one.place - other.place)
    .map(({ type }) => type);
}

/** What is wrong with how a body is said to be written; null if it is JSON in UTF-8. */
export function unsupportedBody(headers: IncomingHttpHeaders): string | null {
  if (headers['content-type'] === 'application/json' && isUncoded(headers)) return null;
  const [type, ...parameters] = (headers['content-type'] ?? '').toLowerCase().split(';');
  // Other types are what a page of another origin may send unasked, and what the specification does not know.
  if (type?.trim() !== 'application/json') return 'The body must be JSON, with content-type: application/json';
  const charsets = parameters
    .filter((one) => /^\s*charset\s*=/.test(one))
    .map((one) => one.slice(one.indexOf('=') + 1));
  if (!charsets.every((one) => isUtf8(one.trim().replace(/^"(.*)"$/, '$1')))) return 'The body must be in UTF-8';
  const plain = /^\s*(identity\s*)?$/i.test(headers['content-encoding'] ?? '');
  // Node undoes the last coding, which is chunked, and passes over those before it.
  const chunked = /^\s*(chunked\s*)?$/i.test(headers['transfer-encoding'] ?? '');
  return plain && chunked ? null : 'The body must not be compressed';
}

function isUncoded(headers: IncomingHttpHeaders): boolean {
  return headers['content-encoding'] === undefined && headers['transfer-encoding'] === undefined;
}

function parseRange(text: string): readonly Range[] {
  const [type = '', ...parameters] = text.toLowerCase().replace(/\s/g, '').split(';');
  if (!/^[^/]+\/[^/]+$/.test(type)) return [];
  let quality = 1;
  for (const parameter of parameters) {
    const [name, value = ''] = parameter.split('=');
    if (name === 'charset' && !isUtf8(value.replace(/"/g, ''))) return [];
    if (name === 'q') quality = Number(value);
  }
  return quality >= 0 && quality <= 1 ? [{ type, quality }] : [];
}

/** Where the range stands that decides about a type: the most specific one; -1 if none takes it. */
function placeOf(type: string, ranges: readonly Range[]): number {
  for (const pattern of [type, `${type.split('/', 1)[0]}/*`, '*/*']) {
    const place = ranges.findIndex((range) => range.type === pattern);
    if (place >= 0) return place;
  }
  return -1;
}

function isUtf8(charset: string): boolean {
  return charset === 'utf-8' || charset === 'utf8';
}
