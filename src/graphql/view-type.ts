import type { View } from '../define/index.ts';
import { featureReader, isServedAsStored } from '../engine/index.ts';
import { accuracyField } from './accuracy-field.ts';
import { derivedOutcome, derivedOutput, featureOutput, outputValue } from './feature-output.ts';
import { freshnessType } from './freshness-type.ts';
import { listedExtension } from './operation-size.ts';
import { type OwnWork, own, pure } from './own-resolvers.ts';
import { pureExtension } from './purity.ts';
import type { SchemaRegistry } from './registry.ts';
import { assertReachable, cacheId, type ShownVector } from './shown-vector.ts';
import type { FreshetTypes } from './types.ts';

type VectorFields = PothosSchemaTypes.ObjectFieldBuilder<FreshetTypes, ShownVector>;

/** The object type of a view: `UserRiskProfile`, with its features in the order of their definition. */
export function viewType(registry: SchemaRegistry, view: View) {
  return registry.builder.objectRef<ShownVector>(view.typeName).implement({
    description: view.description,
    fields: (t) => ({
      id: t.id({
        nullable: false,
        description: idDescription(view),
        extensions: { [pureExtension]: true },
        resolve: pure(cacheId),
      }),
      ...Object.fromEntries([...storedFields(t, view), ...derivedFields(t, view)]),
      freshness: t.field({
        type: registry.generated(freshnessType, undefined),
        nullable: false,
        description: 'Of which moment these values are, and how long they hold.',
        extensions: { [pureExtension]: true },
        resolve: pure((vector) => vector),
      }),
      accuracy: accuracyField(t, registry, view),
    }),
  });
}

function idDescription({ name, version, entity }: View): string {
  const id = (kind: string) => `\`${name}:v${version}${kind}:<id of the ${entity.name}>\``;
  return `${id('')}, for clients that cache by id; of a past moment ${id('@<moment>')}, and of a preview ${id('#<preview>')}.`;
}

function storedFields(t: VectorFields, view: View) {
  return view.features.map((feature, position) => {
    const output = featureOutput(view.event, feature);
    const { type, nullable, listed } = output;
    const { description } = feature;
    const read = featureReader(view, position);
    const work: OwnWork = isServedAsStored(view, position) ? { kind: 'feature', position, output } : { kind: 'pure' };
    const field =
      listed === null
        ? t.field({
            type,
            nullable,
            description,
            extensions: { [pureExtension]: true },
            resolve: own(work, (vector) => {
              assertReachable(vector, position);
              return outputValue(read(vector) as number, output) as number;
            }),
          })
        : t.field({
            type: [type],
            nullable,
            description,
            extensions: { [listedExtension]: listed, [pureExtension]: true },
            resolve: pure((vector) => {
              assertReachable(vector, position);
              return (read(vector) as number[]).map((one) => outputValue(one, output) as number);
            }),
          });
    return [feature.name, field] as const;
  });
}

function derivedFields(t: VectorFields, view: View) {
  return view.derived.map((derived) => {
    const field = t.field({
      type: derivedOutput.type,
      nullable: derivedOutput.nullable,
      description: derived.description,
      extensions: { [pureExtension]: true },
      // A derivation that throws is a bug in schema/: it becomes an INTERNAL_SERVER_ERROR at its own path.
      resolve: pure((vector) => derivedOutcome(vector, derived)),
    });
    return [derived.name, field] as const;
  });
}
