/**
 * A request as it goes over the wire, made before anything is measured. What must be new each time it is sent is written over
 * in place: ids and times of events have a fixed width.
 */
export interface LoadRequest {
  readonly bytes: Buffer;
  /** Where the numbers of events stand, each `eventNumberDigits` digits; none: it is sent as it is. */
  readonly numbersAt: readonly number[];
  /** Where times of events stand, each as `Date.toISOString` writes them; they become the time of sending. */
  readonly timesAt: readonly number[];
}

/** Of the number in an event's id. */
export const eventNumberDigits = 10;
const unstampedNumber = `-${'0'.repeat(eventNumberDigits)}"`;
/** What stands in their places until a request is sent. */
export const unstampedTime = '0000-00-00T00:00:00.000Z';

/** An event's id before it has its number; events of another `kind` have other ids. */
export function unstampedId(kind: string): string {
  return JSON.parse(`"${kind}${unstampedNumber}`);
}

/** A POST of JSON, as small as clients send it. */
export function postJson(path: string, body: unknown): LoadRequest {
  const text = Buffer.from(JSON.stringify(body));
  const head =
    `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\nContent-Type: application/json\r\n` +
    `Content-Length: ${text.length}\r\n\r\n`;
  const bytes = Buffer.concat([Buffer.from(head), text]);
  const numbersAt = placesOf(bytes, unstampedNumber).map((at) => at + 1);
  return { bytes, numbersAt, timesAt: placesOf(bytes, unstampedTime) };
}

/** A GET that accepts JSON. */
export function get(path: string): LoadRequest {
  const head = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n\r\n`;
  return { bytes: Buffer.from(head), numbersAt: [], timesAt: [] };
}

/** Gives the events of a request numbers from `first` on, and the time `now`, both in its own bytes. */
export function stamp({ bytes, numbersAt, timesAt }: LoadRequest, first: number, now: string): void {
  for (let i = 0; i < numbersAt.length; i++) {
    const from = numbersAt[i] as number;
    let rest = first + i;
    for (let at = from + eventNumberDigits - 1; at >= from; at--) {
      bytes[at] = 48 + (rest % 10);
      rest = Math.floor(rest / 10);
    }
  }
  for (const at of timesAt) bytes.write(now, at, 'latin1');
}

function placesOf(bytes: Buffer, text: string): number[] {
  const places: number[] = [];
  for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + text.length)) places.push(at);
  return places;
}
