import type { View } from '../define/index.ts';
import { type Certainty, servedCertainty } from '../engine/index.ts';
import { accuracyOf, type FeatureAccuracy, unknownAccuracy } from './accuracy.ts';
import { describedEnum } from './described-enum.ts';
import { featuresArgument } from './limits.ts';
import { assertWithinLimits, foldsExtension, sizedArgumentExtension } from './operation-size.ts';
import type { SchemaRegistry } from './registry.ts';
import { isPast, isPreviewed, type ShownVector } from './shown-vector.ts';
import type { FreshetTypes } from './types.ts';

/** `accuracy(features: [UserRiskProfileFeature!]!): [FeatureAccuracy!]!` on the type of a view. */
export function accuracyField(
  t: PothosSchemaTypes.ObjectFieldBuilder<FreshetTypes, ShownVector>,
  registry: SchemaRegistry,
  view: View,
) {
  return t.field({
    type: [registry.generated(featureAccuracyType, undefined)],
    nullable: false,
    description:
      'How sure values beside it are, of the same moment, in the order asked. It is folded from the log, which costs as much as another vector.',
    args: {
      features: t.arg({
        type: [registry.generated(storedFeatureEnum, view)],
        required: true,
        description: `Of which features; at most ${view.features.length}.`,
      }),
    },
    extensions: {
      [sizedArgumentExtension]: featuresArgument('features', view.features.length),
      [foldsExtension]: true,
    },
    resolve: async (vector, { features }, { loaders, budget }, info): Promise<FeatureAccuracy[]> => {
      assertWithinLimits(info);
      budget.take();
      // What is known of the log bounds nothing that was only previewed.
      if (isPreviewed(vector)) return features.map((position) => unknownAccuracy(view, position));
      // Of a past vector all is known; of one of now, its own moment is looked back at.
      const told = isPast(vector) ? vector : await loaders.loadPast(view, vector.id, vector.asOf);
      return features.map((position) => accuracyOf(vector, position, servedCertainty(told, position)));
    },
  });
}

/** `UserRiskProfileFeature`: the stored features of a view. Inside, each is its place in the view. */
function storedFeatureEnum(registry: SchemaRegistry, view: View) {
  const values = view.features.map(({ name, description }, position) => [name, { value: position, description }]);
  return registry.builder.enumType(`${view.typeName}Feature`, {
    description: `The features of ${view.typeName} that are stored. Those that are derived are computed from them when they are read, and have no accuracy of their own.`,
    values: Object.fromEntries(values) as { readonly [name: string]: { readonly value: number } },
  });
}

const methodDescriptions: { readonly [M in Certainty['method']]: string } = {
  EXACT: 'Every event counts where it belongs.',
  INTERPOLATED:
    'Old events were put together, and an edge of the window cuts some of them; or an event came in while it was read.',
  SAMPLED: 'Estimated from a sample: in 99 % of cases, the truth lies between the bounds.',
  UNREACHABLE:
    'It cannot be told: of a past moment, the value itself, which is null beside an error; of a preview, how sure it is.',
};

function methodEnum({ builder }: SchemaRegistry) {
  return describedEnum(builder, 'AccuracyMethod', 'How a value came about.', methodDescriptions);
}

/** `FeatureAccuracy`, which all views share. */
function featureAccuracyType(registry: SchemaRegistry) {
  return registry.builder.objectRef<FeatureAccuracy>('FeatureAccuracy').implement({
    description:
      'How sure the value of a feature is. Unless it is `SAMPLED`, the truth always lies between the bounds, both included: what the feature would be if every event taken in so far were kept by itself. Of events before `freshness.completeSince` a feature may know nothing.',
    fields: (t) => ({
      feature: t.exposeString('feature', { nullable: false, description: 'The name of the feature.' }),
      exact: t.exposeBoolean('exact', {
        nullable: false,
        description:
          'Whether the value is the truth, to the last digits of a double; null then means that there is none.',
      }),
      lower: t.exposeFloat('lower', {
        nullable: true,
        description:
          'The truth is at least this; of a time, in milliseconds since 1970, of a boolean, 0 or 1, and of a list, how many values it should hold. Null if the value is null for sure, or cannot be told. If it is not exact, the truth of a feature that may be null may also be null.',
      }),
      upper: t.exposeFloat('upper', { nullable: true, description: 'The truth is at most this; as `lower`.' }),
      method: t.field({
        type: registry.generated(methodEnum, undefined),
        nullable: false,
        description: 'How the value came about.',
        resolve: ({ method }) => method,
      }),
    }),
  });
}
