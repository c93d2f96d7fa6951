import type { ActivitySample } from './activity-sample.ts';
import { registryOf, type SchemaRegistry } from './registry.ts';
import { whoeverMay } from './rules.ts';
import type { FreshetFieldOptions, FreshetTypes } from './types.ts';

/** `serverActivity: ServerActivity!` */
export function serverActivityField(
  t: PothosSchemaTypes.SubscriptionFieldBuilder<FreshetTypes, object>,
  options: FreshetFieldOptions = {},
) {
  return t.field({
    description:
      'What the service, all its processes on this machine, did each second; the first message comes after one.',
    ...options,
    type: registryOf(t.builder).generated(serverActivityType, undefined),
    nullable: false,
    authScopes: whoeverMay('admin'),
    subscribe: (_, _args, { activity }) => activity.watch(),
    resolve: (sample: ActivitySample) => sample,
  });
}

function serverActivityType({ builder }: SchemaRegistry) {
  return builder.objectRef<ActivitySample>('ServerActivity').implement({
    description:
      'What a service, the processes that share a port, did in a second, and what it holds open. Others on the same store have their own.',
    fields: (t) => ({
      at: t.field({
        type: 'DateTime',
        nullable: false,
        description: 'When the second ended.',
        resolve: ({ at }) => at,
      }),
      eventsPerSecond: t.float({
        nullable: false,
        description: 'Events that were newly recorded.',
        resolve: ({ events, seconds }) => events.RECORDED / seconds,
      }),
      turnedAwayPerSecond: t.float({
        nullable: false,
        description: 'Events that were duplicates, too late, rejected, or could not be recorded for now.',
        resolve: ({ events: { DUPLICATE, TOO_LATE, REJECTED, UNAVAILABLE }, seconds }) =>
          (DUPLICATE + TOO_LATE + REJECTED + UNAVAILABLE) / seconds,
      }),
      readsPerSecond: t.float({
        nullable: false,
        description: 'Vectors that were read for queries; what is read for watchers is not among them.',
        resolve: ({ reads, seconds }) => reads / seconds,
      }),
      requestsPerSecond: t.float({
        nullable: false,
        description: 'Queries and mutations that were answered.',
        resolve: ({ requests, seconds }) => requests / seconds,
      }),
      p50Ms: t.float({
        nullable: true,
        description: 'Half of them were answered in so many milliseconds, to a per cent; null if there were none.',
        resolve: ({ p50Ms }) => p50Ms,
      }),
      p99Ms: t.float({
        nullable: true,
        description: '99 of a hundred of them were answered in so many milliseconds; null if there were none.',
        resolve: ({ p99Ms }) => p99Ms,
      }),
      watchers: t.exposeInt('watchers', { nullable: false, description: 'Open subscriptions to views.' }),
      watchedEntities: t.exposeInt('watchedEntities', {
        nullable: false,
        description: 'Vectors that they watch, each counted once a process.',
      }),
      storeProblem: t.exposeString('storeProblem', {
        nullable: true,
        description:
          'Why changes cannot be heard or read now, in words, as far as has been noticed; null while they can.',
      }),
    }),
  });
}
