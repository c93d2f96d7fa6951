import type { Redis } from 'iovalkey';
import { type Engine, servedValues, type Vector } from '../../src/engine/index.ts';

/** The hash that must stand in Valkey for a vector, but for when it was written. */
export function hashOf({ view, values, ...vector }: Vector): { [field: string]: string } {
  const served = servedValues({ ...vector, view, values });
  const numbers = [
    ...view.features.map(({ hashField }, i) => {
      // A moment is stored as it is; how long ago it was would not keep.
      const value = typeof served[i] === 'number' ? (values[i] as number) : JSON.stringify(served[i]);
      return [hashField, value] as const;
    }),
    ['_as_of', vector.asOf] as const,
    ['_valid_until', vector.validUntil ?? Number.NaN] as const,
    ['_revision', vector.revision] as const,
    ['_event_seq', vector.eventSeq] as const,
    ['_last_event_at', vector.lastEventAt ?? Number.NaN] as const,
    ['_complete_since', vector.completeSince] as const,
  ];
  return Object.fromEntries(
    numbers
      .filter(([, value]) => typeof value === 'string' || !Number.isNaN(value))
      .map(([name, value]) => [name, `${value}`]),
  );
}

/** The hash as it stands in Valkey: its numbers as JavaScript writes them, so that both may be compared. */
export async function hashIn(valkey: Redis, engine: Engine, { view, id }: Vector) {
  const { _updated_at, ...fields } = await valkey.hgetall(engine.keys.hash(view, id));
  const numbers = Object.entries(fields).map(([name, text]) => [name, JSON.stringify(JSON.parse(text))]);
  return { updatedAtSeconds: Number(_updated_at), fields: Object.fromEntries(numbers) };
}
