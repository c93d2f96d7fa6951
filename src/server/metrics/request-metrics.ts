import type { Activity, HotCounts } from '../../graphql/index.ts';
import { durationBounds } from '../../measure/index.ts';
import type { WayCounts } from '../http/short-way.ts';
import type { ServerCounts } from '../server-counts.ts';
import { counter, type Family, gauge, histogram } from './family.ts';

/** What is open at a moment. */
export interface OpenConnections {
  /** Of HTTP, those among them that became a WebSocket or carry an event stream. */
  readonly http: number;
  readonly webSockets: number;
  /** Event streams of the single connection mode. */
  readonly eventStreams: { readonly reserved: number; readonly open: number; readonly refused: number };
}

export interface RequestSources {
  readonly activity: Activity;
  readonly ways: Readonly<WayCounts>;
  readonly hot: () => HotCounts;
  readonly counts: ServerCounts;
  readonly connections: () => OpenConnections;
}

const boundsMs = durationBounds.map((seconds) => 1_000 * seconds);

/** Who asks, by what, how it ends and how long it takes. */
export function requestMetrics({ activity, ways, hot, counts, connections }: RequestSources): readonly Family[] {
  const { requests } = activity;
  return [
    counter(
      'freshet_requests_total',
      'GraphQL operations by protocol, kind of operation (none: refused before that was known) and outcome: ok, or the code of the first error.',
      function* () {
        for (const [protocol, operation, { outcomes }] of requests.all()) {
          for (const [outcome, count] of outcomes) yield [{ protocol, operation, outcome }, count];
        }
      },
    ),
    histogram(
      'freshet_request_duration_seconds',
      'From when a GraphQL operation had come until it was executed; a subscription until it stood.',
      function* () {
        for (const [protocol, operation, { latencies }] of requests.all()) {
          const counts = latencies.between(boundsMs);
          yield [
            { protocol, operation },
            { bounds: durationBounds, counts, sum: latencies.sumMs / 1_000 },
          ];
        }
      },
    ),
    counter('freshet_http_responses_total', 'HTTP responses of any path, by the class of their status.', function* () {
      for (const [status, count] of counts.responses()) yield [{ status }, count];
    }),
    counter(
      'freshet_http_aborted_total',
      'HTTP responses that their client did not take to the end: it left, or was let go.',
      () => counts.aborted,
    ),
    counter(
      'freshet_http_operations_total',
      'GraphQL operations over HTTP by the way they went: plain (compiled, past the HTTP parser of Node), compiled, or reference (Yoga).',
      () => [
        [{ way: 'plain' }, ways.plain],
        [{ way: 'compiled' }, ways.short - ways.plain],
        [{ way: 'reference' }, ways.reference],
      ],
    ),
    counter(
      'freshet_http_operations_left_total',
      'Operations that a compiled operation had begun and left to the reference: something was wrong with them, or beyond a limit.',
      () => ways.left,
    ),
    gauge(
      'freshet_hot_operations',
      'Operations that are compiled, and those that are counted because they may become so.',
      () => [
        [{ state: 'compiled' }, hot().compiled],
        [{ state: 'counted' }, hot().counted],
      ],
    ),
    gauge(
      'freshet_connections',
      'Open connections: http (all of them), and among them those of a websocket or an event_stream (single connection mode).',
      () => {
        const { http, webSockets, eventStreams } = connections();
        return [
          [{ kind: 'http' }, http],
          [{ kind: 'websocket' }, webSockets],
          [{ kind: 'event_stream' }, eventStreams.open],
        ];
      },
    ),
    gauge(
      'freshet_event_streams_reserved',
      'Event streams that are reserved and not opened; of these there may be 1,000 a process, and 100 a client.',
      () => connections().eventStreams.reserved,
    ),
    counter('freshet_connections_refused_total', 'Event streams and WebSockets that were refused at once.', () => [
      [{ kind: 'event_stream' }, connections().eventStreams.refused],
      [{ kind: 'websocket' }, counts.refusedWebSockets],
    ]),
    counter(
      'freshet_slow_clients_dropped_total',
      'Clients that were let go because they took nothing of what they had asked for in 12 to 24 seconds.',
      () => [
        [{ protocol: 'sse' }, counts.tooSlow.sse],
        [{ protocol: 'websocket' }, counts.tooSlow.websocket],
      ],
    ),
  ];
}
