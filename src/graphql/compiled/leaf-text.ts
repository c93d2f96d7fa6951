import { GraphQLBoolean, GraphQLFloat, GraphQLID, GraphQLInt, type GraphQLLeafType, GraphQLString } from 'graphql';
import { formatDateTime, isDateTime } from '../date-time.ts';
import type { FeatureOutput } from '../feature-output.ts';
import { floatText } from './float-text.ts';
import { unwritable } from './unwritable.ts';

/** Writes a value that is not null as JSON. */
export type LeafText = (value: unknown) => string;

/** How values of a type are written: at once where they are what they should be, and as the type itself has it otherwise. */
export function leafText(type: GraphQLLeafType): LeafText {
  const serialized = (value: unknown): string => {
    const plain: unknown = type.serialize(value);
    const text = plain === null ? undefined : JSON.stringify(plain);
    return text ?? unwritable(`a ${type.name} that JSON does not know`);
  };
  switch (type.name) {
    case GraphQLInt.name:
      return (value) => (typeof value === 'number' && (value | 0) === value ? `${value}` : serialized(value));
    case GraphQLFloat.name:
      return (value) => (typeof value === 'number' && Number.isFinite(value) ? floatText(value) : serialized(value));
    case GraphQLString.name:
    case GraphQLID.name:
      return (value) => (typeof value === 'string' ? JSON.stringify(value) : serialized(value));
    case GraphQLBoolean.name:
      return (value) => (typeof value === 'boolean' ? `${value}` : serialized(value));
    default:
      return serialized;
  }
}

/** How a feature's number is written as it stands in the vector: NaN is null, a boolean is 0 or 1, a time the milliseconds since 1970. */
export function featureText({ type, nullable }: FeatureOutput): (value: number) => string {
  const some = numberTexts[type];
  return (value) =>
    Number.isNaN(value) && nullable ? 'null' : (some(value) ?? unwritable(`${value} in a feature of type ${type}`));
}

/** Null of a number that the type does not have. */
const numberTexts: { readonly [Type in FeatureOutput['type']]: (value: number) => string | null } = {
  Int: (value) => ((value | 0) === value ? `${value}` : null),
  Float: (value) => (Number.isFinite(value) ? floatText(value) : null),
  Boolean: (value) => (Number.isNaN(value) ? null : `${value !== 0}`),
  DateTime: (value) => (isDateTime(value) ? `"${formatDateTime(value)}"` : null),
};
