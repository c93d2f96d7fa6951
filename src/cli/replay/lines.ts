import { createReadStream } from 'node:fs';
import { gunzipped } from './gunzip.ts';

export interface Line {
  /** From 1. */
  readonly number: number;
  /** Without its end; null when it is longer than any row can be. */
  readonly text: string | null;
}

/** A file that cannot be used, or not to its end. All whole lines before that have been handed out. */
export class UnreadableFileError extends Error {
  override readonly name = 'UnreadableFileError';
  readonly code = 'FILE_UNREADABLE';
}

/** In characters. A file that is no text must not fill the memory with its one line. */
export const longestLine = 1_048_576; // 1 Mi

/** The lines of a text file in UTF-8, plain or gzipped, ended by LF or CRLF; to be iterated once. */
export class LineFile implements AsyncIterable<Line> {
  readonly #path: string;
  #bytesRead = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** How much of the file (compressed, if it is) has been read. */
  get bytesRead(): number {
    return this.#bytesRead;
  }

  /** @throws UnreadableFileError; the line over which the file broke off is not handed out. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Line, void, undefined> {
    const decoder = new TextDecoder();
    let number = 0;
    let rest = '';
    let tooLong = false;
    const line = (text: string): Line => {
      number += 1;
      const whole = tooLong ? null : text.endsWith('\r') ? text.slice(0, -1) : text;
      tooLong = false;
      return { number, text: whole };
    };
    const chunks = this.#chunks()[Symbol.asyncIterator]();
    try {
      for (let next = await this.#next(chunks, number); !next.done; next = await this.#next(chunks, number)) {
        const texts = (rest + decoder.decode(next.value, { stream: true })).split('\n');
        rest = texts.pop() ?? '';
        for (const text of texts) yield line(text);
        if (rest.length > longestLine) {
          tooLong = true;
          rest = '';
        }
      }
    } finally {
      await chunks.return(undefined);
    }
    rest += decoder.decode();
    if (rest !== '' || tooLong) yield line(rest);
  }

  async #next(chunks: AsyncGenerator<Buffer, void>, lines: number): Promise<IteratorResult<Buffer, void>> {
    try {
      return await chunks.next();
    } catch (error) {
      const where = lines === 0 ? 'cannot be read' : `cannot be read past line ${lines}`;
      throw new UnreadableFileError(`${this.#path}: ${where}: ${reasonOf(error)}`, { cause: error });
    }
  }

  async *#chunks(): AsyncGenerator<Buffer, void> {
    yield* (await startsAsGzip(this.#path)) ? gunzipped(() => this.#stored()) : this.#stored();
  }

  async *#stored(): AsyncGenerator<Buffer, void> {
    this.#bytesRead = 0;
    for await (const chunk of createReadStream(this.#path) as AsyncIterable<Buffer>) {
      this.#bytesRead += chunk.length;
      yield chunk;
    }
  }
}

async function startsAsGzip(path: string): Promise<boolean> {
  for await (const chunk of createReadStream(path, { end: 1 })) return chunk[0] === 0x1f && chunk[1] === 0x8b;
  return false;
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'Z_BUF_ERROR') return 'its gzip data is truncated';
  if (code?.startsWith('Z_')) return `its gzip data is corrupt (${message})`;
  return message;
}
