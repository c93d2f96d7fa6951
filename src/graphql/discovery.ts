import { type DerivedFeature, describeWhere, describeWindow, type Feature, type View } from '../define/index.ts';
import { derivedOutput, featureOutput, typeText } from './feature-output.ts';
import { registryOf, type SchemaRegistry } from './registry.ts';
import { whoeverMay } from './rules.ts';
import type { FreshetFieldOptions, FreshetTypes } from './types.ts';

/** A feature of either kind, as `Feature` shows it. */
interface DescribedFeature {
  readonly name: string;
  readonly hashField: string | null;
  readonly type: string;
  readonly nullable: boolean;
  readonly stored: boolean;
  readonly aggregation: string;
  readonly sourceField: string | null;
  readonly window: string | null;
  readonly windowSeconds: number | null;
  readonly delaySeconds: number | null;
  readonly where: string | null;
  readonly description: string;
}

/** `featureViews: [FeatureView!]!` */
export function discoveryField(
  t: PothosSchemaTypes.QueryFieldBuilder<FreshetTypes, object>,
  options: FreshetFieldOptions = {},
) {
  const registry = registryOf(t.builder);
  return t.field({
    description: 'What is served: every view that the caller may read something of, with its features, for discovery.',
    ...options,
    type: [registry.generated(featureViewType, undefined)],
    nullable: false,
    authScopes: whoeverMay('features:read'),
    resolve: (_parent, _args, { caller: { grants } }) =>
      registry.views.filter((view) => grants.allowsSome('features:read', [view])),
  });
}

function featureViewType(registry: SchemaRegistry) {
  return registry.builder.objectRef<View>('FeatureView').implement({
    description: 'A named, versioned set of features of one entity from one event: the unit of storage and of serving.',
    fields: (t) => ({
      name: t.exposeString('name', { nullable: false, description: 'Its name, in snake_case.' }),
      version: t.exposeInt('version', {
        nullable: false,
        description: 'Its version. Within one, features are only added and never change what they mean.',
      }),
      entity: t.string({
        nullable: false,
        description: 'The entity that its features describe.',
        resolve: ({ entity }) => entity.name,
      }),
      typeName: t.exposeString('typeName', { nullable: false, description: 'Its GraphQL type.' }),
      fieldPath: t.string({
        nullable: false,
        description: 'The type and field that serve it, such as `User.riskProfile`.',
        resolve: (view) => registry.pathOf(view) as string,
      }),
      keyPattern: t.string({
        nullable: false,
        description: 'The Valkey hash that holds it, with `<id>` for the id of the entity; readable with HGETALL.',
        resolve: (view, _, { engine }) => engine.keys.hashPattern(view),
      }),
      historySeconds: t.float({
        nullable: false,
        description: 'How far back its vectors of past moments reach.',
        resolve: ({ historyMs }) => historyMs / 1_000,
      }),
      description: t.exposeString('description', { nullable: true, description: 'What it is for.' }),
      features: t.field({
        type: [registry.generated(featureType, undefined)],
        nullable: false,
        description: 'Its features, in the order of its type’s fields.',
        resolve: (view) => [
          ...view.features.map((feature) => describeStored(view, feature)),
          ...view.derived.map(describeDerived),
        ],
      }),
    }),
  });
}

function featureType(registry: SchemaRegistry) {
  return registry.builder.objectRef<DescribedFeature>('Feature').implement({
    description: 'One value of one entity: an aggregation over a window, or a derivation of other features.',
    fields: (t) => ({
      name: t.exposeString('name', { nullable: false, description: 'Its name, and that of its field.' }),
      hashField: t.exposeString('hashField', {
        nullable: true,
        description:
          'Its field in the Valkey hash, which lacks it while it is null; null if it is not stored. A list is there as JSON, and for `timeSinceLast` the newest event’s time, in milliseconds since 1970.',
      }),
      type: t.exposeString('type', {
        nullable: false,
        description: 'The GraphQL type of its values, such as `Float`, or `[Float!]` for a list.',
      }),
      nullable: t.exposeBoolean('nullable', { nullable: false, description: 'Whether a value may be null.' }),
      stored: t.exposeBoolean('stored', {
        nullable: false,
        description: 'Whether it is stored; otherwise it is derived when it is read.',
      }),
      aggregation: t.exposeString('aggregation', {
        nullable: false,
        description:
          '`count`, `rate`, `sum`, `avg`, `min`, `max`, `stddev`, `share`, `first`, `last`, `lastN`, `timeSinceLast` or `distinct`; `ratio` or `derived` if it is.',
      }),
      sourceField: t.exposeString('sourceField', {
        nullable: true,
        description: 'The event’s field that it aggregates; null if none.',
      }),
      window: t.exposeString('window', {
        nullable: true,
        description: 'Its window in words, such as `1h`, `7d, 7d ago` or `lifetime, idle 24h`; null if it is derived.',
      }),
      windowSeconds: t.exposeFloat('windowSeconds', {
        nullable: true,
        description: 'The length of its window; null if that has no edge, or if it is derived.',
      }),
      delaySeconds: t.exposeFloat('delaySeconds', {
        nullable: true,
        description: 'How long ago its window ends; null if it has no edge, or if it is derived.',
      }),
      where: t.exposeString('where', {
        nullable: true,
        description: 'Which events count, in words; null: all.',
      }),
      description: t.exposeString('description', { nullable: true, description: 'What it means.' }),
    }),
  });
}

function describeStored(view: View, feature: Feature): DescribedFeature {
  const { name, hashField, aggregation, description } = feature;
  const { kind, field, window, where } = aggregation;
  const output = featureOutput(view.event, feature);
  return {
    name,
    hashField,
    type: typeText(output),
    nullable: output.nullable,
    stored: true,
    aggregation: kind,
    sourceField: field ?? null,
    window: describeWindow(aggregation),
    windowSeconds: window.kind === 'sliding' ? window.lengthMs / 1_000 : null,
    delaySeconds: window.kind === 'sliding' ? window.delayMs / 1_000 : null,
    where: where ? describeWhere(where) : null,
    description,
  };
}

function describeDerived({ name, description, ratio }: DerivedFeature): DescribedFeature {
  return {
    name,
    hashField: null,
    type: typeText(derivedOutput),
    nullable: derivedOutput.nullable,
    stored: false,
    aggregation: ratio ? 'ratio' : 'derived',
    sourceField: null,
    window: null,
    windowSeconds: null,
    delaySeconds: null,
    where: null,
    description,
  };
}
