import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { views } from '../../schema/index.ts';
import { agrees, publishedColumns } from '../../src/cli/replay/published.ts';
import { openTransactions, type Row } from '../../src/cli/replay/rows.ts';
import { startApi, type TestApi } from '../support/api.ts';

/** Where the published card transactions lie, if they are here. */
const shared = resolve(process.env.SHARED ?? '../shared', 'data');
const enough = 1_000; // rows of each file

// The two files share transactions: each gets an API, and with it a prefix, of its own.
let api: TestApi;
beforeEach(async () => {
  api = await startApi({ clock: 'event' });
});
afterEach(() => api.stop());

describe.skipIf(!existsSync(shared))('published features, asked for over HTTP under the event clock', () => {
  it.each([
    ['card-transactions-by-customer.csv.gz', 'user { riskProfile'],
    ['card-transactions-by-terminal.csv.gz', 'merchant { activity'],
  ])('agree with %s', { timeout: 60_000 }, async (name, field) => {
    const file = await openTransactions(join(shared, name));
    const published = publishedColumns(file.header, views);
    const features = published.map(({ view, feature }) => view.features[feature]?.name as string);
    const document = `mutation ($input: TransactionInput!) {
      recordTransaction(input: $input) { status ${field} { ${features.join(' ')} } } }
    }`;
    const disagreeing: string[] = [];
    let rows = 0;
    for await (const row of file.rows) {
      if (rows++ === enough) break;
      const served = await record(document, row);
      for (const [i, column] of published.entries()) {
        const value = served[features[i] as string] ?? Number.NaN;
        if (!agrees(column, value, Number(row.fields[column.column])))
          disagreeing.push(`line ${row.line}: ${column.column} ${value}`);
      }
    }
    expect(rows).toBeGreaterThan(enough);
    expect(disagreeing).toEqual([]);
  });
});

async function record(document: string, { event }: Row): Promise<{ readonly [feature: string]: number | null }> {
  const input = { ...event, occurredAt: new Date(Number(event?.occurredAt)).toISOString() };
  const { data, errors } = await api.ask(document, { input });
  expect(errors).toBeUndefined();
  const payload = data?.recordTransaction as {
    status: string;
    user?: { riskProfile: { [feature: string]: number | null } };
    merchant?: { activity: { [feature: string]: number | null } };
  };
  expect(payload.status).toBe('RECORDED');
  return payload.user?.riskProfile ?? payload.merchant?.activity ?? {};
}
