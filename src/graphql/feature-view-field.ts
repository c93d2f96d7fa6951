import { formatDuration, type View } from '../define/index.ts';
import type { EpochMs } from '../engine/index.ts';
import type { FreshetContext } from './context.ts';
import { maxMoments, momentsArgument } from './limits.ts';
import { assertWithinLimits, servedViewExtension, sizedArgumentExtension } from './operation-size.ts';
import { own } from './own-resolvers.ts';
import { pureExtension } from './purity.ts';
import { registryOf } from './registry.ts';
import { whoeverMayRead } from './rules.ts';
import type { ShownVector } from './shown-vector.ts';
import type { EntityRef, FreshetFieldOptions, FreshetTypes } from './types.ts';
import { currentVector, vectorAt } from './vector-at.ts';
import { viewType } from './view-type.ts';

type EntityFields = PothosSchemaTypes.ObjectFieldBuilder<FreshetTypes, EntityRef>;

/** `riskProfile(asOf: DateTime): UserRiskProfile` on the type of an entity. */
export function featureViewField(t: EntityFields, view: View, options: FreshetFieldOptions = {}) {
  return t.field({
    description: `${view.description} Null only beside an error at its path.`,
    ...options,
    type: registryOf(t.builder).generated(viewType, view),
    nullable: true,
    authScopes: whoeverMayRead(view),
    args: {
      asOf: t.arg({
        type: 'DateTime',
        description: `The moment of the values, within the last ${formatDuration(view.historyMs)} by the store’s clock; left out: now. A past one is told from what is known today, events that came late among it, and with bounds where events were put together: see accuracy.`,
      }),
    },
    extensions: { [servedViewExtension]: view, [pureExtension]: view },
    resolve: own(
      { kind: 'view', view },
      (entity, { asOf }: { asOf?: EpochMs | null | undefined }, context): ShownVector | Promise<ShownVector> => {
        context.budget.take();
        return typeof asOf === 'number'
          ? vectorAt(view, entity, asOf, 'asOf', context)
          : currentVector(view, entity, context);
      },
    ),
  });
}

/** `riskProfileSeries(at: [DateTime!]!): [UserRiskProfile]!` on the type of an entity. */
export function featureViewSeriesField(t: EntityFields, view: View, options: FreshetFieldOptions = {}) {
  return t.field({
    description: `${view.typeName} at moments of the last ${formatDuration(view.historyMs)}, in the order asked and in one round trip. One that cannot be told is null beside an error at its path.`,
    ...options,
    type: [registryOf(t.builder).generated(viewType, view)],
    nullable: { list: false, items: true },
    authScopes: whoeverMayRead(view),
    // The list is not null, and the entity's other fields are there beside it.
    unauthorizedResolver: (_, { at }, context, info, error) => {
      assertWithinLimits(info);
      context.budget.take(at.length);
      return at.map(() => error) as never;
    },
    args: {
      at: t.arg({
        type: ['DateTime'],
        required: true,
        description: `The moments, in any order; at most ${maxMoments}. See asOf of the view’s own field.`,
      }),
    },
    extensions: { [servedViewExtension]: view, [sizedArgumentExtension]: momentsArgument('at') },
    resolve: (entity, { at }, context, info) => {
      assertWithinLimits(info);
      context.budget.take(at.length);
      return seriesOf(view, entity, at, context);
    },
  });
}

/** One that fails is an error in its place, which GraphQL puts at its path. */
async function seriesOf(view: View, entity: EntityRef, at: readonly number[], context: FreshetContext) {
  const series = at.map((moment, i) =>
    vectorAt(view, entity, moment, `at[${i}]`, context).catch((error: Error) => error),
  );
  return (await Promise.all(series)) as ShownVector[];
}
