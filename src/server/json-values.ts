/**
 * How many values may be in what a client sends, which bounds what it takes once it is parsed. A batch of a thousand events has some
 * ten thousand.
 */
export const mostJsonValues = 100_000;

const [quote, comma, bracket, brace, backslash] = [0x22, 0x2c, 0x5b, 0x7b, 0x5c];

/**
 * How many values a JSON text has, without making any of them: commas and opening brackets, so an object among others counts twice. It
 * counts one more than may be, and no further. Of what is no JSON, it may say anything.
 */
export function countValues(json: string, most = mostJsonValues): number {
  let count = 0;
  for (let at = 0; at < json.length && count <= most; at++) {
    const code = json.charCodeAt(at);
    if (code === quote) at = endOfString(json, at);
    else if (code === comma || code === bracket || code === brace) count++;
  }
  return count;
}

/** Whether a JSON text has more values than may be. Most are too short for that. */
export function hasTooManyValues(json: string, most = mostJsonValues): boolean {
  return json.length > most && countValues(json, most) > most;
}

/** Where the string that begins at a place ends; the end of all where it does not. */
function endOfString(json: string, from: number): number {
  let at = from;
  do {
    at = json.indexOf('"', at + 1);
    if (at === -1) return json.length;
  } while (isEscaped(json, at));
  return at;
}

function isEscaped(json: string, at: number): boolean {
  let slashes = 0;
  while (json.charCodeAt(at - 1 - slashes) === backslash) slashes++;
  return slashes % 2 === 1;
}
