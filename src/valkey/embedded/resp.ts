import { createConnection } from 'node:net';

/** A reply of RESP2: the little of the protocol that starting and stopping a server needs. */
export type Reply = string | number | null | readonly Reply[];

/** An error reply (`-LOADING …`), as opposed to a connection that fails. */
export class ReplyError extends Error {
  override readonly name = 'ReplyError';
  /** The reply's first word, such as `LOADING`. */
  get kind(): string {
    return this.message.split(' ', 1)[0] ?? '';
  }
}

/** The server hung up without an answer, as it does on `SHUTDOWN`. */
export class HungUpError extends Error {
  override readonly name = 'HungUpError';
}

/**
 * Sends one command to 127.0.0.1:`port` over a connection of its own and returns the reply.
 * @throws ReplyError, HungUpError, or the error of the connection; an Error after `timeoutMs` without a whole reply.
 */
export function ask(port: number, command: readonly string[], timeoutMs = 2_000): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host: '127.0.0.1', port });
    let received = Buffer.alloc(0);
    const settle = (action: () => void): void => {
      clearTimeout(timer);
      socket.destroy();
      action();
    };
    // A timer of our own, as a socket's time-out starts anew with each byte.
    const timer = setTimeout(
      () => settle(() => reject(new Error(`no answer from port ${port} within ${timeoutMs} ms`))),
      timeoutMs,
    );
    socket.on('connect', () => socket.write(encodeCommand(command)));
    socket.on('error', (error) => settle(() => reject(error)));
    socket.on('close', () => settle(() => reject(new HungUpError(`port ${port} hung up without an answer`))));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      try {
        const parsed = parseReply(received, 0);
        if (parsed !== null) settle(() => resolve(parsed.reply));
      } catch (error) {
        settle(() => reject(error));
      }
    });
  });
}

function encodeCommand(words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`;
}

/** The reply at `start` and where it ends, or null while more bytes are to come. */
function parseReply(bytes: Buffer, start: number): { reply: Reply; end: number } | null {
  const lineEnd = bytes.indexOf('\r\n', start);
  if (lineEnd < 0) return null;
  const line = bytes.toString('utf8', start + 1, lineEnd);
  const next = lineEnd + 2;
  switch (String.fromCharCode(bytes[start] ?? 0)) {
    case '+':
      return { reply: line, end: next };
    case '-':
      throw new ReplyError(line);
    case ':':
      return { reply: Number(line), end: next };
    case '$': {
      const length = Number(line);
      if (length < 0) return { reply: null, end: next };
      if (bytes.length < next + length + 2) return null;
      return { reply: bytes.toString('utf8', next, next + length), end: next + length + 2 };
    }
    case '*': {
      const items: Reply[] = [];
      let end = next;
      for (let remaining = Number(line); remaining > 0; remaining -= 1) {
        const item = parseReply(bytes, end);
        if (item === null) return null;
        items.push(item.reply);
        end = item.end;
      }
      return { reply: items, end };
    }
    default:
      throw new Error('the answer is not in the protocol of Valkey');
  }
}
