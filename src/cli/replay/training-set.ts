import { once } from 'node:events';
import { createWriteStream, rmSync, type Stats, type WriteStream } from 'node:fs';
import { realpath, rename, stat } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import { snakeCase, type View } from '../../define/index.ts';
import { derivedValue, servedValues, type Vector } from '../../engine/index.ts';
import { plainValue } from '../plain-values.ts';

/**
 * Writes rows with all features of their entities: what a model is trained on, equal to what it will be served.
 * The file gets its name once it is whole; until then it stands beside under a temporary one.
 */
export class TrainingSet {
  /** As the user named it. */
  readonly #path: string;
  readonly #file: WriteStream;
  /** From and to where it is moved at the end; null for what is no regular file, such as a pipe, which is written at once. */
  readonly #move: { readonly from: string; readonly to: string } | null;
  readonly #views: readonly View[];
  #failure: Error | null = null;

  private constructor(path: string, found: Stats | null, target: string, views: readonly View[]) {
    this.#path = path;
    this.#views = views;
    this.#move =
      found && !found.isFile() ? null : { from: `${target}.${crypto.randomUUID().slice(0, 8)}.partial`, to: target };
    this.#file = createWriteStream(this.#move?.from ?? path, found?.isFile() ? { mode: found.mode & 0o777 } : {});
    this.#file.on('error', (error) => {
      this.#failure ??= error;
    });
  }

  /**
   * Columns of features are named `<view>.<hash field>`.
   * @throws Error if the file cannot be written, or if the header has one of these columns already
   */
  static async open(path: string, header: readonly string[], views: readonly View[]): Promise<TrainingSet> {
    const features = views.flatMap(({ name, features, derived }) => [
      ...features.map(({ hashField }) => `${name}.${hashField}`),
      ...derived.map((one) => `${name}.${snakeCase(one.name)}`),
    ]);
    const taken = features.find((name) => header.includes(name));
    if (taken !== undefined) throw new Error(`--out ${path}: the input has a column ${taken} already`);
    const found = await stat(path).catch(() => null);
    const trainingSet = new TrainingSet(path, found, found?.isFile() ? await realpath(path) : path, views);
    await trainingSet.#try(() => once(trainingSet.#file, 'open'));
    // Whatever ends this process. After the move there is nothing left to remove.
    process.once('exit', () => trainingSet.#removePartial());
    trainingSet.#line([...header, ...features]);
    return trainingSet;
  }

  /**
   * @param vectors in the order of the views.
   * @throws Error if the file cannot be written
   */
  async add(fields: readonly string[], vectors: readonly Vector[]): Promise<void> {
    const values = this.#views.flatMap((view, i) => featureTexts(view, vectors[i] as Vector));
    await this.#try(async () => {
      if (!this.#line([...fields, ...values])) await once(this.#file, 'drain');
    });
  }

  /** Ends the file and gives it its name, replacing what bore it before. */
  async complete(): Promise<void> {
    await this.#try(async () => {
      this.#file.end();
      await finished(this.#file);
      if (this.#move) await rename(this.#move.from, this.#move.to);
    });
  }

  /** Ends the file without giving it its name. */
  abandon(): void {
    this.#file.destroy();
  }

  #removePartial(): void {
    try {
      if (this.#move) rmSync(this.#move.from, { force: true });
    } catch {
      // The folder cannot be written any more; that must not change the exit status.
    }
  }

  async #try(step: () => Promise<unknown>): Promise<void> {
    try {
      if (this.#failure) throw this.#failure;
      await step();
    } catch (error) {
      throw new Error(`--out ${this.#path}: cannot be written: ${(error as Error).message.split(',')[0]}`, {
        cause: error,
      });
    }
  }

  #line(fields: readonly string[]): boolean {
    return this.#file.write(`${fields.map(quoted).join(',')}\n`);
  }
}

/** Whether two paths lead to one file, be it by links; not if there is none. */
export async function areSameFile(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([one, other].map((path) => stat(path).catch(() => null)));
  return !!a && !!b && a.dev === b.dev && a.ino === b.ino;
}

/** Null is empty, a time is in ISO 8601, a number is written in full precision, and a list is JSON. */
function featureTexts(view: View, vector: Vector): string[] {
  const stored = servedValues(vector).map((served, position) => {
    const value = plainValue(view, position, served);
    return Array.isArray(value) ? JSON.stringify(value) : String(value ?? '');
  });
  return [...stored, ...view.derived.map((derived) => String(derivedValue(vector, derived) ?? ''))];
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
