import type { Engine, EngineCounts } from '../../engine/index.ts';
import type { Activity } from '../../graphql/index.ts';
import { counter, type Family, histogram } from './family.ts';

/** What is recorded and read, and how long the store takes for it. */
export function eventMetrics(activity: Activity, engine: () => Engine | null): readonly Family[] {
  const counts = (): EngineCounts | null => engine()?.counts ?? null;
  return [
    counter('freshet_events_total', 'Events that mutations brought, by what became of them.', () =>
      Object.entries(activity.events).map(([status, count]) => [{ status: status.toLowerCase() }, count]),
    ),
    counter(
      'freshet_events_rejected_total',
      'Events that were rejected, by the field that was against the rules, or too far ahead of the clock of the store.',
      () => [...(counts()?.rejected ?? [])].map(([field, count]) => [{ field }, count]),
    ),
    counter(
      'freshet_corrections_total',
      'Labels, retractions, and wishes to forget an entity, by what became of them.',
      () =>
        [...activity.corrections].map(([what, count]) => {
          const [kind = '', status = ''] = what.toLowerCase().split(' ');
          return [{ kind, status }, count];
        }),
    ),
    histogram('freshet_events_per_mutation', 'How many events came in one mutation field.', () => [
      [{}, activity.recordedTogether],
    ]),
    histogram('freshet_vectors_per_read', 'How many vectors of one view a request read together.', () => [
      [{}, activity.readTogether],
    ]),
    counter(
      'freshet_vectors_read_total',
      'Vectors read for requests and watchers: stored (still true) or folded (stale, missing, or of another layout), which costs the store more.',
      () => {
        const { stored = 0, folded = 0 } = counts()?.vectors ?? {};
        return [
          [{ how: 'stored' }, stored],
          [{ how: 'folded' }, folded],
        ];
      },
    ),
    counter(
      'freshet_recordings_total',
      'Pieces of recordings (events of one call, in one view of one entity): worked out here by rehearsal, or left to the store.',
      () => {
        const { byRehearsal = 0, byStore = 0 } = engine()?.recordings ?? {};
        return [
          [{ way: 'rehearsal' }, byRehearsal],
          [{ way: 'store' }, byStore],
        ];
      },
    ),
    counter(
      'freshet_recording_rounds_overtaken_total',
      'Rounds of recordings that were tried again because somebody else wrote to one of their entities meanwhile.',
      () => engine()?.recordings.overtaken ?? 0,
    ),
    histogram(
      'freshet_valkey_call_duration_seconds',
      'From when a pipeline or function call was sent to Valkey until it was answered, by name.',
      function* () {
        const { pipelines, functions } = counts() ?? {};
        for (const [call, times] of pipelines?.all ?? []) yield [{ kind: 'pipeline', call }, times];
        for (const [call, times] of functions?.all ?? []) yield [{ kind: 'function', call }, times];
      },
    ),
    counter(
      'freshet_lost_companions_total',
      'How often what is kept beside a log was missing: evicted, or deleted by hand. Distinct counts are too low until values are seen again.',
      () => engine()?.lostCompanions ?? 0,
    ),
  ];
}
