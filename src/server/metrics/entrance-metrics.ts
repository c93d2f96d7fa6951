import type { AccessCounts } from '../../access/index.ts';
import type { Refusals } from '../guard/refusals.ts';
import { counter, type Family, gauge } from './family.ts';

export interface EntranceSources {
  readonly refusals: Readonly<Refusals>;
  /** What requests under way take of memory, as far as it is counted, in bytes. */
  readonly roomTaken: () => number;
  readonly access: () => { readonly counts: Readonly<AccessCounts>; readonly sessions: number };
}

/** Who is not let in, and who has to leave. */
export function entranceMetrics({ refusals, roomTaken, access }: EntranceSources): readonly Family[] {
  return [
    counter(
      'freshet_refused_total',
      'What was refused because there was too much of it: connections (in all), client_connections, subscriptions, event_streams (reserved and not opened), messages (too large, on a WebSocket), requests, and cost (of one client); and room (requests under way were too large together).',
      () => [
        [{ what: 'connections' }, refusals.connections],
        [{ what: 'client_connections' }, refusals.clientConnections],
        [{ what: 'subscriptions' }, refusals.subscriptions],
        [{ what: 'event_streams' }, refusals.streams],
        [{ what: 'messages' }, refusals.messages],
        [{ what: 'requests' }, refusals.requests],
        [{ what: 'cost' }, refusals.cost],
        [{ what: 'room' }, refusals.room],
      ],
    ),
    gauge(
      'freshet_request_room_bytes',
      'What bodies of requests under way are taken to need of memory, but for short ones.',
      roomTaken,
    ),
    counter(
      'freshet_limited_locally_total',
      'Requests whose rate one process counted by itself, since the store could not be asked what the others have counted.',
      () => refusals.limitedLocally,
    ),
    counter(
      'freshet_callers_refused_total',
      'Callers who were not told apart: unauthenticated (no valid key or token), or unavailable (keys of tokens could not be fetched).',
      () => {
        const { unauthenticated, unavailable } = access().counts;
        return [
          [{ why: 'unauthenticated' }, unauthenticated],
          [{ why: 'unavailable' }, unavailable],
        ];
      },
    ),
    counter(
      'freshet_sessions_ended_total',
      'Sockets and streams that were ended because the key or token of their caller had expired, was taken back or changed.',
      () => access().counts.ended,
    ),
    gauge(
      'freshet_sessions',
      'Sockets and streams that will be ended once the key or token of their caller is no longer good.',
      () => access().sessions,
    ),
  ];
}
