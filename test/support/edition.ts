import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { ApiProcess } from './api.ts';
import { type Ended, ending } from './ended.ts';

const repository = fileURLToPath(new URL('../..', import.meta.url));

/** One file's text, changed as an engineer would: what stands there, and what is to stand there. */
export type Edit = readonly [file: string, from: string, to: string];

/** Freshet with definitions of its own, in a folder of its own, which goes when the test is finished. */
export class Edition {
  readonly #folder = mkdtempSync(join(tmpdir(), 'freshet-edition-'));

  /** @throws Error if what is to be changed is not there */
  constructor(...edits: readonly Edit[]) {
    onTestFinished(() => rmSync(this.#folder, { recursive: true, force: true }));
    for (const part of ['package.json', 'schema', 'src']) {
      cpSync(join(repository, part), join(this.#folder, part), { recursive: true });
    }
    symlinkSync(join(repository, 'node_modules'), join(this.#folder, 'node_modules'));
    for (const [file, from, to] of edits) {
      const path = join(this.#folder, file);
      const text = readFileSync(path, 'utf8');
      if (!text.includes(from)) throw new Error(`${file} does not hold ${JSON.stringify(from)}`);
      writeFileSync(path, text.replace(from, to));
    }
  }

  /** Starts its API, which ends with the test. */
  start(settings: { readonly [name: string]: string }): ApiProcess {
    const api = new ApiProcess(settings, false, join(this.#folder, 'src/main.ts'));
    onTestFinished(() => api.stop());
    return api;
  }

  /** Runs one of its commands, such as `functions`, as its users would. */
  run(command: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<Ended> {
    const { VALKEY_URL: _, ...env } = process.env;
    const child = spawn(process.execPath, [join('src/cli', `${command}.ts`), ...args], {
      cwd: this.#folder,
      env: { ...env, ...environment },
    });
    return ending(child);
  }
}
