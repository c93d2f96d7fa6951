import type { View } from '../../define/index.ts';
import type { Row } from './rows.ts';

const mostRows = 500;

/**
 * Groups rows into batches such that in none does an entity of a watched view come twice: after the batch, each event's
 * own vector can still be read. Should the rows break off, the last batch still comes before the error.
 */
export async function* inBatches(rows: AsyncIterable<Row>, watched: readonly View[]): AsyncGenerator<Row[]> {
  let batch: Row[] = [];
  let entities = new Set<string>();
  let broken: { readonly error: unknown } | null = null;
  try {
    for await (const row of rows) {
      const concerned = row.event ? watched.map(({ name, by }) => `${name}:${row.event?.[by]}`) : [];
      if (batch.length === mostRows || concerned.some((entity) => entities.has(entity))) {
        yield batch;
        batch = [];
        entities = new Set();
      }
      batch.push(row);
      for (const entity of concerned) entities.add(entity);
    }
  } catch (error) {
    broken = { error };
  }
  if (batch.length > 0) yield batch;
  if (broken) throw broken.error;
}
