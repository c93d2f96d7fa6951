import {
  type GraphQLInputType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
} from 'graphql';
import type { Draw } from './draw.ts';

/** Pools from which values of scalars are drawn. */
export interface Pools {
  readonly ids: readonly (string | number)[];
  readonly numbers: readonly number[];
  /** RFC 3339. */
  readonly times: readonly string[];
  /** Fields of inputs that are never left out. */
  readonly always: readonly string[];
}

/** Of values that are drawn to be written into a query: an enum's name, or the text of a variable. */
export class Word {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What no type takes, or not every type: nulls, other types, malformed dates, numbers that JSON bends. */
const misfits: readonly unknown[] = [
  ...[null, true, '', 'x', '1', 'true', 1, 1.5, -0, 2 ** 53, 1e21, -1e16],
  ...['2026-13-01T00:00:00Z', '2026-01-01', [], [[1]], [null], {}, { a: 1 }, { constructor: 1 }],
];

/** Something that may or may not fit. */
export function misfit(draw: Draw): unknown {
  return draw.one(misfits);
}

/**
 * A value that fits a type, as it may be sent.
 * @param variable asked for places within it where a variable may stand; null: none there.
 */
export function fitting(
  draw: Draw,
  type: GraphQLInputType,
  pools: Pools,
  variable: (type: GraphQLInputType) => Word | null = () => null,
): unknown {
  const inner = getNullableType(type);
  if (!isNonNullType(type) && draw.chance(10)) return null;
  if (isListType(inner)) {
    // A single value is a list of itself.
    if (draw.chance(8)) return fitting(draw, inner.ofType, pools);
    return Array.from(
      { length: draw.upTo(4) },
      () => variable(inner.ofType) ?? fitting(draw, inner.ofType, pools, variable),
    );
  }
  if (isEnumType(inner)) return new Word(draw.one(inner.getValues()).name);
  if (isInputObjectType(inner)) {
    const fields = Object.values(inner.getFields()).filter(
      ({ name, type: of }) => isNonNullType(of) || pools.always.includes(name) || draw.chance(60),
    );
    return Object.fromEntries(
      fields.map(({ name, type: of }) => {
        const wanted = pools.always.includes(name) && !isNonNullType(of) ? scalar(draw, String(of), pools) : null;
        return [name, wanted ?? variable(of) ?? fitting(draw, of, pools, variable)];
      }),
    );
  }
  return scalar(draw, inner.name, pools);
}

function scalar(draw: Draw, type: string, { ids, numbers, times }: Pools): unknown {
  switch (type) {
    case 'ID':
      return draw.one(ids);
    case 'Float':
      return draw.one(numbers);
    case 'DateTime':
      return draw.one(times);
    case 'Boolean':
      return draw.chance(50);
    case 'Int':
      return draw.upTo(30);
    default:
      return draw.one(['b', 'x', '']);
  }
}

/** A value as it is written into a query. */
export function literal(value: unknown): string {
  if (value instanceof Word) return value.text;
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (Object.is(value, -0)) return '-0';
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([name, one]) => `${name}: ${literal(one)}`)
    .join(', ')}}`;
}

/** A value as it is sent beside a query. */
export function sendable(value: unknown): unknown {
  if (value instanceof Word) return value.text;
  if (Array.isArray(value)) return value.map(sendable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, sendable(one)]));
}
