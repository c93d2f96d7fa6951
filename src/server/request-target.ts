/** Where a request goes, whatever its Host header says. */
export interface RequestTarget {
  readonly path: string;
  /** With its question mark; empty if there is none. */
  readonly search: string;
}

/** Reads what stands behind the method: a path, or the whole address, which proxies send and every server must take. */
export function requestTarget(url = ''): RequestTarget {
  const local = url.startsWith('/') ? url : url.replace(/^https?:\/\/[^/?#]*/i, '');
  const question = local.indexOf('?');
  const path = question < 0 ? local : local.slice(0, question);
  return { path: path === '' ? '/' : path, search: question < 0 ? '' : local.slice(question) };
}

/** What is wrong with a query string by which GraphQL is asked; null if nothing. */
export function searchProblem(search: string): string | null {
  if (search === '') return null;
  try {
    // Bytes that are no UTF-8 would all become the same character, and so different ids one.
    if (!/^[\x21-\x7e]*$/.test(search)) throw new URIError();
    decodeURIComponent(search);
  } catch {
    return 'The query string must be percent-encoded UTF-8';
  }
  const parameters = new URLSearchParams(search);
  return ['variables', 'extensions'].find((name) => !isJson(parameters.get(name))) === undefined
    ? null
    : 'The parameters variables and extensions must be JSON';
}

function isJson(text: string | null): boolean {
  if (!text) return true;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
