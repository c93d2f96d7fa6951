import { type BigIntStats, readFileSync, statSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';

export interface FollowedFileOptions {
  readonly path: string;
  /** Takes what is in it. @throws what is wrong with it: what was taken before stays. */
  readonly take: (text: string) => void;
  /** Told of each later version that was taken (null), or why one was not. */
  readonly onChange: (problem: unknown) => void;
  /** How often it is looked at; default: every second. */
  readonly everyMs?: number | undefined;
}

/**
 * A file of which each version is taken, without a restart. It is looked at in intervals: what tells of changes at once goes by the
 * directory's entry, and misses a file that is mounted, or is a link to one that is another by now.
 */
export class FollowedFile {
  readonly #options: FollowedFileOptions;
  readonly #timer: NodeJS.Timeout;
  /** Of the version that was looked at last. */
  #stamp: string;
  #text: string;
  #problem = '';
  #looking = false;
  #closed = false;

  /** @throws what reading it, or taking what is in it, throws. */
  constructor(options: FollowedFileOptions) {
    this.#options = options;
    const { path, take, everyMs = 1_000 } = options;
    // Before it is read: what is written meanwhile is a later version.
    this.#stamp = stampOf(statSync(path, { bigint: true }));
    this.#text = readFileSync(path, 'utf8');
    take(this.#text);
    this.#timer = setInterval(() => void this.#look(), everyMs);
    this.#timer.unref();
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    const { path, take, onChange } = this.#options;
    try {
      const stamp = stampOf(await stat(path, { bigint: true }));
      if (stamp === this.#stamp) return;
      const text = await readFile(path, 'utf8');
      if (this.#closed) return;
      this.#stamp = stamp;
      // It may have been read whole while it was still being written.
      if (text !== this.#text) {
        take(text);
        this.#text = text;
        onChange(null);
      }
      this.#problem = '';
    } catch (error) {
      // What cannot be read is told of once, and not each time that it is tried.
      const problem = String(error);
      if (problem !== this.#problem && !this.#closed) onChange(error);
      this.#problem = problem;
    } finally {
      this.#looking = false;
    }
  }
}

function stampOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
}
