import type { Activity } from '../../graphql/index.ts';
import type { Hub } from '../../live/index.ts';
import { LiveCounts } from '../../live/index.ts';
import { counter, type Family, gauge, histogram } from './family.ts';

/** While there is nothing to serve from. */
const nothing = new LiveCounts();

/** Who watches, what they are sent, and how late. */
export function liveMetrics({ pushes }: Activity, hub: () => Hub | null): readonly Family[] {
  const counts = () => hub()?.counts ?? nothing;
  return [
    gauge('freshet_watchers', 'Open subscriptions to views.', () => hub()?.load.subscriptions ?? 0),
    gauge(
      'freshet_watched_entities',
      'Vectors that are watched, each counted once a process.',
      () => hub()?.load.entities ?? 0,
    ),
    counter('freshet_updates_total', 'Updates for watchers, each counted for each of them, by cause.', () =>
      Object.entries(counts().updates).map(([cause, count]) => [{ cause: cause.toLowerCase() }, count]),
    ),
    counter(
      'freshet_updates_merged_total',
      'Updates that were not sent because a newer one of their entity came before: the pace that the client asked for, or a slow client.',
      () => counts().merged,
    ),
    counter('freshet_pushed_messages_total', 'Messages of watched views that were sent, by protocol.', () => [
      [{ protocol: 'sse' }, pushes.sse.messages],
      [{ protocol: 'websocket' }, pushes.websocket.messages],
    ]),
    histogram(
      'freshet_push_delay_seconds',
      'From when an event was recorded, by the clock of the store, until a message that tells of it was sent, the pace of the client included; what goes out together counts as the oldest of it.',
      () => [
        [{ protocol: 'sse' }, pushes.sse.delays],
        [{ protocol: 'websocket' }, pushes.websocket.delays],
      ],
    ),
    histogram(
      'freshet_decay_lag_seconds',
      'From when a watched vector ceased to be true, by time alone, until the one after it was handed to its watchers.',
      () => [[{}, counts().decayLag]],
    ),
    counter(
      'freshet_resyncs_total',
      'Watched entities that were read again since changes may have gone unheard: the connection was lost (reconnected), or a change was found that nothing told of (unheard).',
      () => Object.entries(counts().resyncs).map(([reason, count]) => [{ reason }, count]),
    ),
    counter(
      'freshet_watch_read_failures_total',
      'Reads of what is watched that failed; they are tried again.',
      () => counts().readFailures,
    ),
  ];
}
