import type { View } from '../define/index.ts';
import type { Vector } from '../engine/index.ts';
import { derivedOutput, featureNumbers, featureOutput, outputValue } from './feature-output.ts';
import { freshnessType } from './freshness-type.ts';
import type { SchemaRegistry } from './registry.ts';
import type { FreshetTypes } from './types.ts';

type VectorFields = PothosSchemaTypes.ObjectFieldBuilder<FreshetTypes, Vector>;

/** The object type of a view: `UserRiskProfile`, with its features in the order of their definition. */
export function viewType(registry: SchemaRegistry, view: View) {
  return registry.builder.objectRef<Vector>(view.typeName).implement({
    description: view.description,
    fields: (t) => ({
      id: t.id({
        nullable: false,
        description: `\`${view.name}:v${view.version}:<id of the ${view.entity.name}>\`, for clients that cache by id.`,
        resolve: (vector) => `${view.name}:v${view.version}:${vector.id}`,
      }),
      ...Object.fromEntries([...storedFields(t, view), ...derivedFields(t, view)]),
      freshness: t.field({
        type: registry.generated(freshnessType, undefined),
        nullable: false,
        description: 'When these values were folded, and how long they hold.',
        resolve: (vector) => vector,
      }),
    }),
  });
}

function storedFields(t: VectorFields, view: View) {
  return view.features.map((feature, position) => {
    const output = featureOutput(view.event, feature);
    const field = t.field({
      type: output.type,
      nullable: output.nullable,
      description: feature.description,
      resolve: (vector) => outputValue(vector.values[position], output) as number,
    });
    return [feature.name, field] as const;
  });
}

function derivedFields(t: VectorFields, view: View) {
  return view.derived.map(({ name, compute, description }) => {
    const field = t.field({
      type: derivedOutput.type,
      nullable: derivedOutput.nullable,
      description,
      // A derivation that throws is a bug in schema/: it becomes an INTERNAL_SERVER_ERROR at its own path.
      resolve: (vector) => {
        const value = compute(featureNumbers(vector));
        return Number.isFinite(value) ? value : null;
      },
    });
    return [name, field] as const;
  });
}
