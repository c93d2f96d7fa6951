import type { Event, View } from '../../define/index.ts';
import type { Engine, EventInput, Vector } from '../../engine/index.ts';
import { inBatches } from './batches.ts';
import { agrees, type PublishedColumn, publishedColumns } from './published.ts';
import { openTransactions, type Row } from './rows.ts';
import { TrainingSet } from './training-set.ts';

export interface ReplayOptions {
  readonly verify: boolean;
  /** Where to write the rows with all their features; null: nowhere. */
  readonly out: string | null;
  /** Told how far the file has been read, in bytes and rows. */
  readonly onProgress: (bytesRead: number, rows: number, totalBytes: number) => void;
  /** Told of each row that could not be used, and of each of the first mismatches. */
  readonly onFault: (text: string) => void;
}

/** What became of a file. */
export interface ReplaySummary {
  rows: number;
  recorded: number;
  duplicates: number;
  tooLate: number;
  /** Rows that hold no event, or one that was refused. */
  faulty: number;
  compared: number;
  mismatches: number;
}

const shownMismatches = 10;

/** Streams one file through an engine of the event clock, reading back each event's own vector as a client would. */
export async function replayFile(
  path: string,
  engine: Engine,
  event: Event,
  options: ReplayOptions,
): Promise<ReplaySummary> {
  const file = await openTransactions(path);
  const published = options.verify ? publishedColumns(file.header, engine.views) : [];
  if (options.verify && published.length === 0) throw new Error(`${path}: has no published column to verify`);
  const fed = engine.views.filter((view) => view.event === event);
  const watched = options.out ? fed : [...new Set(published.map(({ view }) => view))];
  const trainingSet = options.out ? new TrainingSet(options.out, file.header, watched) : null;
  const summary: ReplaySummary = {
    rows: 0,
    recorded: 0,
    duplicates: 0,
    tooLate: 0,
    faulty: 0,
    compared: 0,
    mismatches: 0,
  };
  const report = (row: Row, fault: string) => {
    summary.faulty += 1;
    options.onFault(`${path}:${row.line}: ${fault}`);
  };

  for await (const batch of inBatches(file.rows, watched)) {
    const rows: Row[] = [];
    for (const row of batch) row.event ? rows.push(row) : report(row, row.fault ?? 'holds no event');
    const outcomes = await engine.record(
      event,
      rows.map((row) => row.event as EventInput),
    );
    const served: Row[] = [];
    for (const [i, { status, reason }] of outcomes.entries()) {
      const row = rows[i] as Row;
      if (status === 'RECORDED') {
        summary.recorded += 1;
        served.push(row);
      } else if (status === 'DUPLICATE') summary.duplicates += 1;
      else if (status === 'TOO_LATE') summary.tooLate += 1;
      else if (status === 'UNAVAILABLE') throw new Error(`${path}:${row.line}: ${reason}`);
      else report(row, reason ?? status);
    }
    const vectors = await Promise.all(watched.map((view) => readBack(engine, view, served)));
    for (const [i, row] of served.entries()) {
      for (const column of published)
        compare(path, row, column, vectors[watched.indexOf(column.view)]?.[i], summary, options);
      if (trainingSet) {
        const values = file.header.map((name) => row.fields[name] ?? '');
        await trainingSet.add(
          values,
          vectors.map((ofView) => ofView[i] as Vector),
        );
      }
    }
    summary.rows += batch.length;
    options.onProgress(batch.at(-1)?.bytesRead ?? 0, summary.rows, file.bytes);
  }
  await trainingSet?.close();
  return summary;
}

function readBack(engine: Engine, view: View, rows: readonly Row[]): Promise<Vector[]> {
  return engine.read(
    view,
    rows.map((row) => row.event?.[view.by] as string),
  );
}

function compare(
  path: string,
  row: Row,
  column: PublishedColumn,
  vector: Vector | undefined,
  summary: ReplaySummary,
  options: ReplayOptions,
): void {
  const served = vector?.values[column.feature] ?? Number.NaN;
  const published = Number(row.fields[column.column]);
  summary.compared += 1;
  if (agrees(column, served, published)) return;
  summary.mismatches += 1;
  if (summary.mismatches <= shownMismatches) {
    const name = column.view.features[column.feature]?.name;
    options.onFault(`${path}:${row.line}: ${column.column} is ${published}, but ${name} was served as ${served}`);
  }
}
