import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { parse } from 'csv-parse';
import type { EventInput } from '../../engine/index.ts';

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

/** Opens a CSV of transactions, plain or gzipped, without reading it into memory. */
export async function openTransactions(path: string): Promise<TransactionFile> {
  const { size } = await stat(path);
  const file = createReadStream(path);
  const compressed = await startsAsGzip(path);
  const parser = parse({ bom: true, info: true, relax_column_count: true, relax_quotes: true, skip_empty_lines: true });
  const fail = (error: Error) => parser.destroy(error);
  file.on('error', fail);
  (compressed ? file.pipe(createGunzip().on('error', fail)) : file).pipe(parser);

  const records = parser[Symbol.asyncIterator]() as AsyncIterator<{ record: string[]; info: { lines: number } }>;
  const first = await records.next();
  const header = first.done ? [] : first.value.record;
  const columns = columnsOf(header, path);
  return {
    header,
    bytes: size,
    rows: {
      async *[Symbol.asyncIterator]() {
        try {
          for (let next = await records.next(); !next.done; next = await records.next()) {
            const { record, info } = next.value;
            yield { line: info.lines, bytesRead: file.bytesRead, ...readRow(header, columns, record) };
          }
        } finally {
          file.destroy();
          parser.destroy();
        }
      },
    },
  };
}

async function startsAsGzip(path: string): Promise<boolean> {
  for await (const chunk of createReadStream(path, { end: 1 })) return chunk[0] === 0x1f && chunk[1] === 0x8b;
  return false;
}

function columnsOf(header: readonly string[], path: string): Columns {
  const found = Object.fromEntries(
    Object.entries(names).map(([field, candidates]) => [field, candidates.find((name) => header.includes(name))]),
  ) as Columns;
  const missing = Object.entries(names).filter(([field]) => field !== 'fraud' && !found[field as keyof Columns]);
  if (missing.length > 0) {
    throw new Error(`${path}: the header lacks ${missing.map(([, candidates]) => candidates.join(' or ')).join(', ')}`);
  }
  return found;
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
  const occurredAt = /^\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:\d\d)$/i.test(text('occurredAt'))
    ? Date.parse(text('occurredAt'))
    : Number.NaN;
  if (Number.isNaN(occurredAt))
    return faulty(`occurred_at is not a time with an offset: ${JSON.stringify(text('occurredAt'))}`);
  const amount = text('amount').trim() === '' ? Number.NaN : Number(text('amount'));
  if (Number.isNaN(amount)) return faulty(`amount is not a number: ${JSON.stringify(text('amount'))}`);
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
