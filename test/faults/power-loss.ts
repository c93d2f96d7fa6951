import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { findOnPath } from '../../src/valkey/embedded/program.ts';
import type { ServerProcess } from '../support/server-process.ts';

const source = fileURLToPath(new URL('synced-length.c', import.meta.url));

/** The C compiler of this machine; null where it has none. */
export const compiler = findOnPath('cc', process.env) ?? findOnPath('gcc', process.env);

/** What makes a server note how much of its append-only file is on disk. */
export class SyncedLengths {
  readonly #folder: string;
  /** What it must be started with. */
  readonly environment: { readonly [name: string]: string };

  private constructor(folder: string, library: string) {
    this.#folder = folder;
    this.environment = { LD_PRELOAD: library };
  }

  static async compile(): Promise<SyncedLengths> {
    const folder = await mkdtemp(join(tmpdir(), 'freshet-test-'));
    const library = join(folder, 'synced-length.so');
    await promisify(execFile)(compiler as string, ['-shared', '-fPIC', '-O1', '-o', library, source, '-ldl']);
    return new SyncedLengths(folder, library);
  }

  /**
   * Does to a server that was killed what the loss of power would have done at worst: whatever of its append-only file was not on disk
   * is gone. Returns how many bytes that were.
   */
  async cutBack(server: ServerProcess): Promise<number> {
    const folder = join(server.folder, 'appendonlydir');
    const names = (await readdir(folder)).filter((name) => name.endsWith('.incr.aof'));
    let lost = 0;
    for (const name of names) {
      const file = join(folder, name);
      const synced = Number(await readFile(`${file}.synced`, 'utf8').catch(() => '0'));
      const { size } = await stat(file);
      await truncate(file, synced);
      lost += size - synced;
    }
    return lost;
  }

  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}
