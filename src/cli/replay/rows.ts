import { stat } from 'node:fs/promises';
import { parse } from 'csv-parse/sync';
import type { EventInput } from '../../engine/index.ts';
import { parseDateTime } from '../../graphql/index.ts';
import { type Line, LineFile, longestLine, UnreadableFileError } from './lines.ts';
import { decimalOf } from './published.ts';

/** One line of a file: the event it holds, or why it holds none. */
export interface Row {
  /** From 1; the header is line 1. */
  readonly line: number;
  readonly fields: { readonly [column: string]: string };
  readonly event: EventInput | null;
  readonly fault: string | null;
  /** Bytes of the file (compressed, if it is) read so far. */
  readonly bytesRead: number;
}

export interface TransactionFile {
  readonly header: readonly string[];
  readonly bytes: number;
  readonly rows: AsyncIterable<Row>;
  /** Lets go of the file, wherever its rows have got to. */
  close(): Promise<void>;
}

/** What a column may be called; the second name is that of the published card-transactions files. */
const names = {
  transactionId: ['transaction_id'],
  occurredAt: ['occurred_at'],
  userId: ['user_id', 'customer_id'],
  merchantId: ['merchant_id', 'terminal_id'],
  amount: ['amount'],
  fraud: ['fraud'],
} as const;

type Columns = { readonly [Field in keyof typeof names]: string | undefined };

/**
 * Opens a CSV of transactions, plain or gzipped, without reading it into memory. A record is a line, so that one with a
 * quote too many spoils no other.
 * @throws UnreadableFileError, also if it has no usable header; so may the iteration over its rows, after the last whole one.
 */
export async function openTransactions(path: string): Promise<TransactionFile> {
  const bytes = await sizeOf(path);
  const file = new LineFile(path);
  const lines = file[Symbol.asyncIterator]();
  try {
    const header = await readHeader(lines, path);
    const columns = columnsOf(header, path);
    return {
      header,
      bytes,
      rows: readRows(file, lines, header, columns),
      async close() {
        await lines.return();
      },
    };
  } catch (error) {
    await lines.return();
    throw error;
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    const reason = (error as Error).message.split(',')[0];
    throw new UnreadableFileError(`${path}: cannot be read: ${reason}`, { cause: error });
  }
}

async function readHeader(lines: AsyncIterator<Line>, path: string): Promise<readonly string[]> {
  for (let next = await lines.next(); !next.done; next = await lines.next()) {
    if (next.value.text === '') continue;
    const { fields, fault } = splitLine(next.value);
    if (fault !== null) throw new UnreadableFileError(`${path}:${next.value.number}: the header ${fault}`);
    return fields;
  }
  throw new UnreadableFileError(`${path}: cannot be read: it is empty`);
}

async function* readRows(
  file: LineFile,
  lines: AsyncIterable<Line>,
  header: readonly string[],
  columns: Columns,
): AsyncGenerator<Row> {
  for await (const line of lines) {
    if (line.text === '') continue;
    const { fields, fault } = splitLine(line);
    const content = fault === null ? readRow(header, columns, fields) : { fields: {}, event: null, fault };
    yield { line: line.number, bytesRead: file.bytesRead, ...content };
  }
}

/** The fields of one line, or why it has none. */
function splitLine({ text }: Line): { readonly fields: readonly string[]; readonly fault: string | null } {
  if (text === null) return { fields: [], fault: `is longer than ${longestLine} characters` };
  if (!text.includes('"')) return { fields: text.split(','), fault: null };
  try {
    const [fields = []] = parse(text, { record_delimiter: '\n', relax_quotes: true }) as string[][];
    return { fields, fault: null };
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    return { fields: [], fault: code === 'CSV_QUOTE_NOT_CLOSED' ? 'opens a quote and never closes it' : message };
  }
}

function columnsOf(header: readonly string[], path: string): Columns {
  const refuse = (why: string) => new UnreadableFileError(`${path}: cannot be read: the header ${why}`);
  const repeated = header.find((name, i) => header.indexOf(name) < i);
  if (repeated !== undefined) throw refuse(`names ${repeated || 'a column ""'} twice`);
  const found = Object.entries(names).map(([field, candidates]) => {
    const present = candidates.filter((name) => header.includes(name));
    if (present.length > 1) throw refuse(`names both ${present.join(' and ')}`);
    return [field, present[0]] as const;
  });
  const missing = found.filter(([field, name]) => field !== 'fraud' && name === undefined);
  if (missing.length > 0) {
    const wanted = missing.map(([field]) => names[field as keyof Columns].join(' or '));
    throw refuse(`lacks ${wanted.join(', ')}`);
  }
  return Object.fromEntries(found) as Columns;
}

function readRow(
  header: readonly string[],
  columns: Columns,
  record: readonly string[],
): Pick<Row, 'fields' | 'event' | 'fault'> {
  const fields = Object.fromEntries(header.map((name, i) => [name, record[i] ?? '']));
  const text = (field: keyof Columns) => fields[columns[field] ?? ''] ?? '';
  const faulty = (fault: string) => ({ fields, event: null, fault });
  if (record.length !== header.length) return faulty(`has ${record.length} columns, the header ${header.length}`);
  const occurredAt = parseDateTime(text('occurredAt'));
  if (occurredAt === null)
    return faulty(`occurred_at is no date and time with an offset (RFC 3339): ${JSON.stringify(text('occurredAt'))}`);
  const amount = decimalOf(text('amount'));
  if (amount === null) return faulty(`amount is not a number: ${JSON.stringify(text('amount'))}`);
  const fraud = { '': null, '0': false, '1': true, false: false, true: true }[text('fraud').toLowerCase()];
  if (fraud === undefined) return faulty(`fraud is neither 0 nor 1: ${JSON.stringify(text('fraud'))}`);
  return {
    fields,
    fault: null,
    event: {
      transactionId: text('transactionId'),
      userId: text('userId'),
      merchantId: text('merchantId'),
      amount,
      occurredAt,
      fraud,
    },
  };
}
