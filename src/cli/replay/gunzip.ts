import { createGunzip } from 'node:zlib';

/**
 * What a gzip file holds; `read` reads it from its start. All that comes before a fault is handed out before it is thrown.
 * @throws Error of zlib (code `Z_…`), or of the reading
 */
export async function* gunzipped(read: () => AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  let sound = 0; // bytes of those chunks in which zlib met no fault
  let handedOut = 0;
  async function* counted(): AsyncGenerator<Buffer, void> {
    for await (const chunk of read()) {
      yield chunk;
      sound += chunk.length;
    }
  }
  try {
    for await (const chunk of inflated(counted())) {
      handedOut += chunk.length;
      yield chunk;
    }
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (!code.startsWith('Z_') || code === 'Z_BUF_ERROR') throw error; // cut off: nothing is held back
    // Of a chunk in which it meets a fault, zlib keeps what came before to itself. So once more, up to the very byte.
    for await (const chunk of inflated(bytewiseFrom(sound, read()))) {
      const known = Math.min(handedOut, chunk.length);
      handedOut -= known;
      yield chunk.subarray(known);
    }
    throw error;
  }
}

async function* bytewiseFrom(start: number, chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  let position = 0;
  for await (const chunk of chunks) {
    const whole = Math.max(0, Math.min(start - position, chunk.length));
    if (whole > 0) yield chunk.subarray(0, whole);
    for (let i = whole; i < chunk.length; i += 1) yield chunk.subarray(i, i + 1);
    position += chunk.length;
  }
}

/** Not by a pipe: a stream that breaks discards what it has decompressed but not yet handed on. */
async function* inflated(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  const gunzip = createGunzip();
  const ready: Buffer[] = [];
  let failure: Error | null = null;
  let ended = false;
  let wake = () => {};
  gunzip.on('data', (chunk: Buffer) => ready.push(chunk));
  // Of a write that broke, or that met the zeros with which some pad a file, Node never calls back.
  gunzip.on('error', (error) => {
    failure = error;
    wake();
  });
  gunzip.on('end', () => {
    ended = true;
    wake();
  });
  const settled = (begin: (done: () => void) => void): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
      if (failure || ended) resolve();
      else begin(resolve);
    });
  try {
    for await (const chunk of chunks) {
      await settled((done) => gunzip.write(chunk, done));
      yield* ready.splice(0);
      if (failure) throw failure;
      if (ended) return;
    }
    await settled(() => gunzip.end());
    yield* ready.splice(0);
    if (failure) throw failure;
  } finally {
    gunzip.destroy();
  }
}
