import type { Event, View } from '../../define/index.ts';
import type { Engine, EventInput, Vector } from '../../engine/index.ts';
import { inBatches } from './batches.ts';
import { UnreadableFileError } from './lines.ts';
import type { Listener } from './progress.ts';
import { agrees, decimalOf, type PublishedColumn, publishedColumns } from './published.ts';
import { openTransactions, type Row, type TransactionFile } from './rows.ts';
import { nothingYet, type ReplaySummary } from './summary.ts';
import { TrainingSet } from './training-set.ts';

export interface ReplayOptions {
  readonly verify: boolean;
  /** Where to write the rows with all their features; null: nowhere. */
  readonly out: string | null;
  /** Told of each row that could not be used, and of each of the first that differ or were not compared. */
  readonly listener: Listener;
  /** Ends the replay between two batches, by throwing its reason. */
  readonly signal: AbortSignal;
}

/** How many mismatches, and how many rows that were not compared, are told of one by one. */
const mostShown = 10;

/**
 * Streams one file through an engine of the event clock, reading back each event's own vector as a client would. Of a
 * file that cannot be read to its end, all whole rows before are replayed, but the training set is given up; one without
 * a usable header, or without a column to verify, is not read at all. The summary says why.
 * @throws Error if the training set cannot be written, or if Valkey went away
 */
export async function replayFile(
  path: string,
  engine: Engine,
  event: Event,
  options: ReplayOptions,
): Promise<ReplaySummary> {
  const { verify, out, listener, signal } = options;
  let file: TransactionFile | null = null;
  let trainingSet: TrainingSet | null = null;
  let replay: FileReplay | null = null;
  try {
    file = await openTransactions(path);
    const published = verify ? publishedColumns(file.header, engine.views) : [];
    if (verify && published.length === 0) throw new UnreadableFileError(`${path}: has no published column to verify`);
    const fed = engine.views.filter((view) => view.event === event);
    const watched = out ? fed : [...new Set(published.map(({ view }) => view))];
    trainingSet = out ? await TrainingSet.open(out, file.header, watched) : null;
    replay = new FileReplay(path, file, engine, event, options, { published, watched, trainingSet });
    for await (const batch of inBatches(file.rows, watched)) {
      signal.throwIfAborted();
      await replay.add(batch);
      listener.onProgress(batch.at(-1)?.bytesRead ?? 0, replay.summary.rows, file.bytes);
    }
    await trainingSet?.complete();
    return replay.summary;
  } catch (error) {
    trainingSet?.abandon();
    if (!(error instanceof UnreadableFileError)) throw error;
    listener.onFault(out ? `${error.message}; ${out} was not written` : error.message);
    return { ...(replay?.summary ?? nothingYet), unreadable: error.message };
  } finally {
    await file?.close();
  }
}

interface Uses {
  readonly published: readonly PublishedColumn[];
  /** Whose vectors are read back. */
  readonly watched: readonly View[];
  readonly trainingSet: TrainingSet | null;
}

/** The way of one file's batches through the engine, and what became of them so far. */
class FileReplay {
  readonly summary: ReplaySummary = { ...nothingYet };
  readonly #path: string;
  readonly #file: TransactionFile;
  readonly #engine: Engine;
  readonly #event: Event;
  readonly #options: ReplayOptions;
  readonly #uses: Uses;

  constructor(path: string, file: TransactionFile, engine: Engine, event: Event, options: ReplayOptions, uses: Uses) {
    this.#path = path;
    this.#file = file;
    this.#engine = engine;
    this.#event = event;
    this.#options = options;
    this.#uses = uses;
  }

  async add(batch: readonly Row[]): Promise<void> {
    const served = await this.#record(batch);
    const { published, watched, trainingSet } = this.#uses;
    const vectors = await Promise.all(watched.map((view) => this.#readBack(view, served)));
    for (const [i, row] of served.entries()) {
      const vectorOf = (view: View) => vectors[watched.indexOf(view)]?.[i] as Vector;
      if (published.length > 0) this.#compare(row, vectorOf);
      if (trainingSet) {
        const values = this.#file.header.map((name) => row.fields[name] ?? '');
        await trainingSet.add(values, watched.map(vectorOf));
      }
    }
    this.summary.rows += batch.length;
  }

  /** @returns the rows that were recorded. */
  async #record(batch: readonly Row[]): Promise<Row[]> {
    const rows: Row[] = [];
    for (const row of batch) row.event ? rows.push(row) : this.#refuse(row, row.fault ?? 'holds no event');
    const outcomes = await this.#engine.record(
      this.#event,
      rows.map((row) => row.event as EventInput),
    );
    const recorded: Row[] = [];
    for (const [i, { status, reason }] of outcomes.entries()) {
      const row = rows[i] as Row;
      if (status === 'RECORDED') recorded.push(row);
      else if (status === 'DUPLICATE') this.#passOver(row, 'duplicates', 'a duplicate');
      else if (status === 'TOO_LATE') this.#passOver(row, 'tooLate', 'too late');
      else if (status === 'UNAVAILABLE') throw new Error(`${this.#path}:${row.line}: ${reason}`);
      else this.#refuse(row, reason ?? status);
    }
    this.summary.recorded += recorded.length;
    return recorded;
  }

  #readBack(view: View, rows: readonly Row[]): Promise<Vector[]> {
    return this.#engine.read(
      view,
      rows.map((row) => row.event?.[view.by] as string),
    );
  }

  #compare(row: Row, vectorOf: (view: View) => Vector): void {
    const { published } = this.#uses;
    const cells = published.map(({ column }) => decimalOf(row.fields[column] ?? ''));
    const broken = published[cells.indexOf(null)]?.column;
    if (broken !== undefined) {
      const cell = JSON.stringify(row.fields[broken] ?? '');
      this.#passOver(row, 'incomparable', `${broken} is not a number: ${cell}`);
      return;
    }
    for (const [i, column] of published.entries()) {
      const value = cells[i] as number;
      const served = vectorOf(column.view).values[column.feature] as number;
      this.summary.compared += 1;
      if (agrees(column, served, value)) continue;
      this.summary.mismatches += 1;
      if (this.summary.mismatches > mostShown) continue;
      const name = column.view.features[column.feature]?.name;
      this.#tell(row, `${column.column} is ${value}, but ${name} was served as ${served}`);
    }
  }

  #refuse(row: Row, fault: string): void {
    this.summary.faulty += 1;
    this.#tell(row, fault);
  }

  /** Counts a row that is no fault in itself, but leaves nothing to compare. */
  #passOver(row: Row, count: 'duplicates' | 'tooLate' | 'incomparable', why: string): void {
    this.summary[count] += 1;
    if (this.#options.verify && this.summary[count] <= mostShown) this.#tell(row, `not compared: ${why}`);
  }

  #tell(row: Row, text: string): void {
    this.#options.listener.onFault(`${this.#path}:${row.line}: ${text}`);
  }
}
