import { DefinitionError } from './definition-error.ts';
import type { Event, FieldOf, FieldType } from './event.ts';

interface Equality<T> {
  readonly eq?: T;
  /** Also true of an event that lacks the field: not known to be `T` is not `T`. */
  readonly ne?: T;
  readonly in?: readonly T[];
}

interface Order {
  readonly gt?: number;
  readonly gte?: number;
  readonly lt?: number;
  readonly lte?: number;
}

/** At least one of these operators: none at all would hold of every event. */
type SomeOf<Operators> = { [O in keyof Operators]-?: Operators & Required<Pick<Operators, O>> }[keyof Operators];

interface ConditionByType {
  id: SomeOf<Equality<string>>;
  number: SomeOf<Equality<number> & Order>;
  boolean: SomeOf<Equality<boolean>>;
  time: never;
}

/** A condition on one field; all of its operators must hold. */
export type Condition = ConditionByType[FieldType];

/** Conditions on an event; all must hold. */
export type Where = { readonly [field: string]: Condition | undefined };

/** The conditions that make sense for `E`. */
export type WhereOf<E extends Event> = {
  readonly [K in FieldOf<E, 'id' | 'number' | 'boolean'>]?: ConditionByType[E['fields'][K]['type']];
};

type Value = string | number | boolean;

const symbols = { eq: '=', ne: '≠', gt: '>', gte: '≥', lt: '<', lte: '≤', in: 'in' } as const;
type Operator = keyof typeof symbols;

const holds: { readonly [O in Operator]: (value: Value | null, operand: never) => boolean } = {
  eq: (value, operand: Value) => value === operand,
  ne: (value, operand: Value) => value !== operand,
  gt: (value, operand: number) => value !== null && (value as number) > operand,
  gte: (value, operand: number) => value !== null && (value as number) >= operand,
  lt: (value, operand: number) => value !== null && (value as number) < operand,
  lte: (value, operand: number) => value !== null && (value as number) <= operand,
  in: (value, operand: readonly Value[]) => value !== null && operand.includes(value),
};

/** The clauses of a filter in an order that does not depend on how it was written. */
function clauses(where: Where): { field: string; operator: Operator; operand: Value | readonly Value[] }[] {
  return Object.entries(where)
    .flatMap(([field, condition]) =>
      Object.entries(condition ?? {}).map(([operator, operand]) => ({
        field,
        operator: operator as Operator,
        operand: Array.isArray(operand) ? [...new Set<Value>(operand)].sort() : (operand as Value),
      })),
    )
    .sort((a, b) => (a.field + a.operator < b.field + b.operator ? -1 : 1));
}

/** Says a filter in words that identify it: `amount ≥ 1000 and fraud = true`. */
export function describeWhere(where: Where): string {
  return clauses(where)
    .map(({ field, operator, operand }) => `${field} ${symbols[operator]} ${JSON.stringify(operand)}`)
    .join(' and ');
}

/** A filter as stable text: two filters written differently that mean the same have the same. */
export function canonicalWhere(where: Where): string {
  return clauses(where)
    .map(({ field, operator, operand }) => `${field}.${operator}=${JSON.stringify(operand)}`)
    .join('&');
}

/** Turns a filter into a test of an event's fields (null: the event lacks it). */
export function compileWhere(where: Where): (event: { readonly [field: string]: Value | null | undefined }) => boolean {
  const tests = clauses(where).map(({ field, operator, operand }) => ({
    field,
    test: holds[operator] as (value: Value | null, operand: unknown) => boolean,
    operand,
  }));
  return (event) => tests.every(({ field, test, operand }) => test(event[field] ?? null, operand));
}

const typeofField: { readonly [T in FieldType]: string } = {
  id: 'string',
  number: 'number',
  boolean: 'boolean',
  time: '',
};

/**
 * What TypeScript already refuses, said again to whoever comes without types; and a list without a value. What is left
 * out by mistake, such as a threshold from a variable that is not set, must not come to mean every event.
 */
export function assertWhere(where: Where, event: Event, at: string): void {
  if (!isObject(where)) throw new DefinitionError(`${at}: where must be an object, it was ${JSON.stringify(where)}`);
  for (const [field, condition] of Object.entries<unknown>(where)) {
    const type = event.fields[field]?.type;
    if (!type) throw new DefinitionError(`${at}: where names the field ${field}, which ${event.name} does not have`);
    if (!isObject(condition) || Object.keys(condition).length === 0) {
      throw new DefinitionError(
        `${at}: where.${field} must be an object with at least one of ${Object.keys(symbols).join(', ')}, it was ${JSON.stringify(condition)}`,
      );
    }
    for (const [operator, operand] of Object.entries(condition)) {
      if (!Object.hasOwn(symbols, operator))
        throw new DefinitionError(`${at}: where.${field} has an unknown operator ${operator}`);
      if (!fits(type, operator as Operator, operand)) {
        throw new DefinitionError(
          `${at}: where.${field}.${operator} does not fit a field of type ${type}, it was ${JSON.stringify(operand)}`,
        );
      }
    }
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fits(type: FieldType, operator: Operator, operand: unknown): boolean {
  if (operator === 'in')
    return Array.isArray(operand) && operand.length > 0 && operand.every((one) => fits(type, 'eq', one));
  const ordered = operator !== 'eq' && operator !== 'ne';
  return (
    (!ordered || type === 'number') &&
    typeof operand === typeofField[type] &&
    (typeof operand !== 'number' || Number.isFinite(operand))
  );
}
