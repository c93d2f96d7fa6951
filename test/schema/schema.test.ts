import { readFileSync } from 'node:fs';
import {
  buildSchema,
  type GraphQLNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
} from 'graphql';
import { describe, expect, test } from 'vitest';
import { schema, views } from '../../schema/index.ts';
import { schemaText } from '../../src/cli/schema-text.ts';
import { printSchemaText } from '../../src/graphql/index.ts';

const committed = readFileSync(new URL('../../schema/schema.graphql', import.meta.url), 'utf8');

/** Everything in a type that may bear a description, by its coordinate. */
function describable(type: GraphQLNamedType): [string, string | null | undefined][] {
  const own: [string, string | null | undefined] = [type.name, type.description];
  if (isObjectType(type) || isInterfaceType(type)) {
    return [
      own,
      ...Object.values(type.getFields()).flatMap((field): [string, string | null | undefined][] => [
        [`${type.name}.${field.name}`, field.description],
        ...field.args.map((arg): [string, string | null | undefined] => [
          `${type.name}.${field.name}(${arg.name}:)`,
          arg.description,
        ]),
      ]),
    ];
  }
  if (isInputObjectType(type) || isEnumType(type)) {
    const parts = isEnumType(type) ? type.getValues() : Object.values(type.getFields());
    return [
      own,
      ...parts.map(({ name, description }): [string, string | null | undefined] => [
        `${type.name}.${name}`,
        description,
      ]),
    ];
  }
  return [own];
}

describe('the schema of this deployment', () => {
  test('is printed in schema/schema.graphql', () => {
    expect(schemaText(schema)).toBe(committed);
  });

  test('is what the server shows, below a line of where it comes from', () => {
    expect(committed).toMatch(/^# Generated [^\n]*\n\n/);
    expect(committed.replace(/^#.*\n\n/, '')).toBe(printSchemaText(schema));
  });

  test('prints as what it is', () => {
    expect(schemaText(buildSchema(committed))).toBe(committed);
  });

  test('is printed from the queries down', () => {
    const types = [...committed.matchAll(/^(?:type|scalar|enum|input) (\w+)/gm)].map(([, name]) => name);
    expect(types.slice(0, 3)).toEqual(['Query', 'Merchant', 'MerchantActivity']);
    expect(types.indexOf('Mutation')).toBeGreaterThan(types.indexOf('FeatureView'));
  });

  test('promises of updates what holds', () => {
    expect(committed).not.toContain('nothing happens but time');
  });

  test('describes every type, field, argument and value', () => {
    const types = Object.values(schema.getTypeMap()).filter(({ name }) => !name.startsWith('__'));
    const silent = types.flatMap(describable).filter(([, description]) => !description?.trim());
    expect(silent).toEqual([]);
  });

  test('has every feature of every view in the order of its definition', () => {
    for (const view of views) {
      const type = schema.getType(view.typeName);
      const fields = isObjectType(type) ? Object.keys(type.getFields()) : [];
      expect(fields).toEqual(['id', ...view.features.map(({ name }) => name), 'freshness', 'accuracy']);
    }
  });
});
