import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { snakeCase, type View } from '../../define/index.ts';
import { derivedValue, type Vector } from '../../engine/index.ts';

/** Writes rows with all features of their entities: what a model is trained on, equal to what it will be served. */
export class TrainingSet {
  readonly #file: WriteStream;
  readonly #views: readonly View[];

  /** Columns of features are named `<view>.<hash field>`. */
  constructor(path: string, header: readonly string[], views: readonly View[]) {
    this.#file = createWriteStream(path);
    this.#views = views;
    const features = views.flatMap(({ name, features, derived }) => [
      ...features.map(({ hashField }) => `${name}.${hashField}`),
      ...derived.map((one) => `${name}.${snakeCase(one.name)}`),
    ]);
    this.#line([...header, ...features]);
  }

  /** @param vectors in the order of the views. */
  async add(fields: readonly string[], vectors: readonly Vector[]): Promise<void> {
    const values = this.#views.flatMap((view, i) => featureTexts(view, vectors[i] as Vector));
    if (!this.#line([...fields, ...values])) await once(this.#file, 'drain');
  }

  async close(): Promise<void> {
    this.#file.end();
    await finished(this.#file);
  }

  #line(fields: readonly string[]): boolean {
    return this.#file.write(`${fields.map(quoted).join(',')}\n`);
  }
}

/** Null is empty, a time is in ISO 8601, a number is written in full precision. */
function featureTexts(view: View, vector: Vector): string[] {
  const stored = view.features.map(({ aggregation }, i) => {
    const value = vector.values[i] as number;
    if (Number.isNaN(value)) return '';
    const type =
      aggregation.kind === 'last' && aggregation.field ? view.event.fields[aggregation.field]?.type : 'number';
    if (type === 'time') return new Date(value).toISOString();
    return type === 'boolean' ? String(value === 1) : String(value);
  });
  return [...stored, ...view.derived.map((derived) => String(derivedValue(vector, derived) ?? ''))];
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
