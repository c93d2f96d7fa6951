import type { Panel, Row, Series, Unit } from './dashboard.ts';

/** Of the chosen job and instances. */
const chosen = 'job="$job", instance=~"$instance"';
const ofChosen = (name: string, more = '') => `${name}{${chosen}${more}}`;
const perSecond = (name: string, more = '') => `rate(${ofChosen(name, more)}[$__rate_interval])`;

/** How much a second, told apart by labels. */
const rate = (name: string, by: readonly string[] = [], legend?: string): Series => ({
  expr: by.length === 0 ? `sum(${perSecond(name)})` : `sum by (${by.join(', ')}) (${perSecond(name)})`,
  legend: legend ?? by.map((label) => `{{${label}}}`).join(' '),
});

/** How large together, told apart by labels. */
const size = (name: string, by: readonly string[] = [], legend?: string): Series => ({
  expr: by.length === 0 ? `sum(${ofChosen(name)})` : `sum by (${by.join(', ')}) (${ofChosen(name)})`,
  legend: legend ?? by.map((label) => `{{${label}}}`).join(' '),
});

const each = (name: string, legend = '{{instance}}'): Series => ({ expr: ofChosen(name), legend });

/** In what so many of a hundred are, told apart by labels. */
const quantile = (percent: number, name: string, by: readonly string[] = [], more = ''): Series => ({
  expr: `histogram_quantile(${percent / 100}, sum by (${['le', ...by].join(', ')}) (${perSecond(`${name}_bucket`, more)}))`,
  legend: [`p${percent}`, ...by.map((label) => `{{${label}}}`)].join(' '),
});

const lines = (title: string, description: string, unit: Unit, ...series: Series[]): Panel => ({
  kind: 'timeseries',
  title,
  description,
  unit,
  series,
});

/** A number, green from `good` on, or up to it, and red beyond. */
const number = (
  title: string,
  description: string,
  unit: Unit,
  expr: string,
  colours: Panel['colours'] = null,
): Panel => ({ kind: 'stat', title, description, unit, series: [{ expr, legend: '' }], colours });

const yesOrNo = (title: string, description: string, name: string) =>
  number(title, description, 'short', `min(${ofChosen(name)})`, { bad: 0, good: 1 });

/** What whoever is on call wants to know, in the order in which they ask. */
export const rows: readonly Row[] = [
  {
    title: 'Is it serving?',
    panels: [
      yesOrNo('Ready', '1 while /readyz says so, on all instances.', 'freshet_ready'),
      yesOrNo(
        'Valkey connected',
        '0: at least one process has no connection for commands.',
        'freshet_valkey_connected',
      ),
      yesOrNo('Changes heard', '0: watchers of at least one process are behind.', 'freshet_valkey_changes_heard'),
      number(
        'Workers missing',
        'Wanted and not serving, of all instances together.',
        'short',
        `sum(${ofChosen('freshet_workers', ', state="wanted"')}) - sum(${ofChosen('freshet_workers', ', state="serving"')})`,
        { good: 0, bad: 1 },
      ),
      number(
        'Up since',
        'The newest start.',
        'dateTimeFromNow',
        `1000 * max(${ofChosen('process_start_time_seconds')})`,
      ),
      {
        kind: 'table',
        title: 'What is in the way',
        description: 'Empty while all is well. The runbook says what to do.',
        unit: 'short',
        series: [each('freshet_problem')],
      },
      lines(
        'Operations',
        'Answered a second, by protocol and kind.',
        'reqps',
        rate('freshet_requests_total', ['protocol', 'operation']),
      ),
      lines(
        'HTTP responses',
        'Of any path, by class of status; and those that their client left.',
        'reqps',
        rate('freshet_http_responses_total', ['status']),
        rate('freshet_http_aborted_total', [], 'aborted'),
      ),
      lines('Events', 'By what became of them.', 'ops', rate('freshet_events_total', ['status'])),
    ],
  },
  {
    title: 'How fast?',
    panels: [
      lines(
        'Operations take',
        'From when they had come until they were executed.',
        's',
        quantile(50, 'freshet_request_duration_seconds', ['operation']),
        quantile(99, 'freshet_request_duration_seconds', ['operation']),
      ),
      lines(
        'Valkey takes',
        'By pipeline and function, 99 of a hundred.',
        's',
        quantile(99, 'freshet_valkey_call_duration_seconds', ['kind', 'call']),
      ),
      lines(
        'The event loop is late',
        'Of the slowest process. While it is late, everything is.',
        's',
        { expr: `max(${ofChosen('nodejs_eventloop_lag_p99_seconds')})`, legend: 'p99' },
        { expr: `max(${ofChosen('nodejs_eventloop_lag_max_seconds')})`, legend: 'longest since the last scrape' },
      ),
      lines(
        'Ways',
        'Operations over HTTP by the way they went: many by the reference are slow; left: begun by a compiled operation and not ended.',
        'reqps',
        rate('freshet_http_operations_total', ['way']),
        rate('freshet_http_operations_left_total', [], 'left'),
      ),
      lines(
        'Vectors read',
        'Stored are cheap; folded cost Valkey its own time.',
        'ops',
        rate('freshet_vectors_read_total', ['how']),
      ),
      lines(
        'Batches',
        'The larger, the less each event and vector costs.',
        'short',
        {
          expr: `sum(${perSecond('freshet_events_per_mutation_sum')}) / sum(${perSecond('freshet_events_per_mutation_count')})`,
          legend: 'events a mutation',
        },
        {
          expr: `sum(${perSecond('freshet_vectors_per_read_sum')}) / sum(${perSecond('freshet_vectors_per_read_count')})`,
          legend: 'vectors a read',
        },
        quantile(99, 'freshet_events_per_mutation'),
      ),
      lines(
        'Recordings',
        'Worked out here, or left to Valkey; overtaken: several processes record of the same entities.',
        'ops',
        rate('freshet_recordings_total', ['way']),
        rate('freshet_recording_rounds_overtaken_total', [], 'overtaken'),
      ),
    ],
  },
  {
    title: 'What is rejected, and why?',
    panels: [
      {
        ...lines('Operations that fail', 'By the code of their first error.', 'reqps'),
        series: [
          {
            expr: `sum by (outcome, operation) (${perSecond('freshet_requests_total', ', outcome!="ok"')})`,
            legend: '{{outcome}} {{operation}}',
          },
        ],
      },
      lines('Events rejected', 'By the field that was why.', 'ops', rate('freshet_events_rejected_total', ['field'])),
      lines(
        'Corrections',
        'Labels, retractions and forgetting, by what became of them.',
        'ops',
        rate('freshet_corrections_total', ['kind', 'status']),
      ),
      lines(
        'Connections refused',
        'WebSockets and event streams; slow: clients that were let go since they took nothing.',
        'ops',
        rate('freshet_connections_refused_total', ['kind'], 'refused {{kind}}'),
        rate('freshet_slow_clients_dropped_total', ['protocol'], 'slow {{protocol}}'),
      ),
      lines(
        'Too much at once',
        'By what there was too much of. Counted alone: the store could not be asked, so each process has its own count.',
        'ops',
        rate('freshet_refused_total', ['what']),
        rate('freshet_limited_locally_total', [], 'counted alone'),
      ),
      lines(
        'Room of requests',
        'What large bodies of requests under way are taken to need of memory. Beyond a quarter of the heap they are refused (room, beside).',
        'bytes',
        size('freshet_request_room_bytes', [], 'taken'),
      ),
      lines(
        'Callers not let in',
        'Without a valid key or token; unavailable: the keys of the issuer could not be fetched.',
        'ops',
        rate('freshet_callers_refused_total', ['why']),
      ),
      lines(
        'Sessions',
        'Sockets and streams of callers that are known, and those that were ended with their key or token.',
        'short',
        size('freshet_sessions', [], 'open'),
        rate('freshet_sessions_ended_total', [], 'ended a second'),
      ),
    ],
  },
  {
    title: 'Is anyone stuck?',
    panels: [
      lines(
        'Watchers',
        'Open subscriptions, and the vectors that they watch.',
        'short',
        size('freshet_watchers', [], 'subscriptions'),
        size('freshet_watched_entities', [], 'vectors'),
      ),
      lines(
        'Updates',
        'For each watcher, by cause; merged: a newer one came before it was sent.',
        'ops',
        rate('freshet_updates_total', ['cause']),
        rate('freshet_updates_merged_total', [], 'merged'),
      ),
      lines('Messages sent', 'Of watched views.', 'ops', rate('freshet_pushed_messages_total', ['protocol'])),
      lines(
        'Pushes are late',
        'From when an event was recorded until a message that tells of it was sent; the pace of 50 ms and more that clients ask for is in it.',
        's',
        quantile(50, 'freshet_push_delay_seconds', ['protocol']),
        quantile(99, 'freshet_push_delay_seconds', ['protocol']),
      ),
      lines(
        'Decay is late',
        'From when a vector ceased to be true until the next one was on its way.',
        's',
        quantile(50, 'freshet_decay_lag_seconds'),
        quantile(99, 'freshet_decay_lag_seconds'),
      ),
      lines(
        'Resyncs',
        'Changes may have gone unheard: these were read again. Failed reads are tried again.',
        'ops',
        rate('freshet_resyncs_total', ['reason']),
        rate('freshet_watch_read_failures_total', [], 'failed reads'),
      ),
      lines(
        'Connections',
        'Open ones; reserved: event streams that nobody has opened yet.',
        'short',
        size('freshet_connections', ['kind']),
        size('freshet_event_streams_reserved', [], 'reserved'),
      ),
    ],
  },
  {
    title: 'How is Valkey?',
    panels: [
      lines(
        'Memory',
        'Used, and the most that it may use; 0: no limit is set.',
        'bytes',
        each('freshet_valkey_memory_bytes', 'used {{server}}'),
        each('freshet_valkey_memory_limit_bytes', 'limit {{server}}'),
      ),
      lines(
        'Answers INFO in',
        'As long as it took for a scrape.',
        's',
        each('freshet_valkey_answer_seconds', '{{server}} to {{instance}}'),
      ),
      lines(
        'Calls',
        'Pipelines and functions a second, by name.',
        'ops',
        rate('freshet_valkey_call_duration_seconds_count', ['kind', 'call']),
      ),
      lines(
        'Clients and replicas',
        'Connections of all its clients, and replicas that are connected.',
        'short',
        each('freshet_valkey_clients', 'clients {{server}}'),
        each('freshet_valkey_replicas', 'replicas {{server}}'),
      ),
      lines(
        'Lost',
        'Each evicted key is lost; companions: what was missing beside a log. Both should stay 0.',
        'ops',
        rate('freshet_valkey_evicted_keys_total', [], 'evicted keys'),
        rate('freshet_lost_companions_total', [], 'companions'),
        rate('freshet_valkey_connections_lost_total', [], 'connections'),
      ),
      {
        kind: 'table',
        title: 'Version, role and eviction policy',
        description: 'The role must be primary, and the policy noeviction.',
        unit: 'short',
        series: [each('freshet_valkey_info')],
      },
    ],
  },
  {
    title: 'The processes',
    panels: [
      lines('Processor', 'Cores in use.', 'short', {
        expr: `sum by (instance) (${perSecond('process_cpu_seconds_total')})`,
        legend: '{{instance}}',
      }),
      lines(
        'Memory',
        'Resident, and the heap of JavaScript.',
        'bytes',
        each('process_resident_memory_bytes', 'resident {{instance}}'),
        each('nodejs_heap_size_used_bytes', 'heap {{instance}}'),
      ),
      lines('Garbage collection', 'Seconds a second, by kind.', 's', rate('nodejs_gc_duration_seconds_sum', ['kind'])),
      lines(
        'File descriptors',
        'Open ones, and the most there may be.',
        'short',
        each('process_open_fds', 'open {{instance}}'),
        each('process_max_fds', 'most {{instance}}'),
      ),
      lines(
        'Workers',
        'Wanted, serving, and heard in the last scrape; ended: in the last hour.',
        'short',
        size('freshet_workers', ['state']),
        { expr: `sum(increase(${ofChosen('freshet_workers_ended_total')}[1h]))`, legend: 'ended' },
      ),
      lines(
        'Traces',
        'Spans that ended, and what became of them; none where nothing is traced.',
        'ops',
        rate('freshet_trace_spans_total', ['state']),
      ),
      lines(
        'Compiled operations',
        'Compiled, and counted because they may become so.',
        'short',
        size('freshet_hot_operations', ['state']),
      ),
    ],
  },
];

/** Metrics that are told and not shown, and why. */
export const leftOut: { readonly [name: string]: string } = {
  process_cpu_user_seconds_total: 'the sum of both is shown',
  process_cpu_system_seconds_total: 'the sum of both is shown',
  process_virtual_memory_bytes: 'Node reserves far more than it uses',
  process_heap_bytes: 'as above',
  nodejs_eventloop_lag_seconds: 'that of the moment of a scrape; percentiles are shown',
  nodejs_eventloop_lag_min_seconds: 'says nothing of trouble',
  nodejs_eventloop_lag_mean_seconds: 'p99 is shown',
  nodejs_eventloop_lag_stddev_seconds: 'p99 is shown',
  nodejs_eventloop_lag_p50_seconds: 'p99 is shown',
  nodejs_eventloop_lag_p90_seconds: 'p99 is shown',
  nodejs_active_resources: 'connections and file descriptors are shown',
  nodejs_active_resources_total: 'as above',
  nodejs_active_handles: 'as above',
  nodejs_active_handles_total: 'as above',
  nodejs_active_requests: 'as above',
  nodejs_active_requests_total: 'as above',
  nodejs_heap_size_total_bytes: 'what is used of it is shown',
  nodejs_external_memory_bytes: 'is in the resident memory',
  nodejs_heap_space_size_total_bytes: 'for who looks for a leak',
  nodejs_heap_space_size_used_bytes: 'for who looks for a leak',
  nodejs_heap_space_size_available_bytes: 'for who looks for a leak',
  nodejs_version_info: 'as package.json has it',
};
