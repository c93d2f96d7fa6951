/** Random definitions: any event, any aggregation over any window, any filter. */

import fc from 'fast-check';
import type {
  Aggregation,
  Duration,
  Event,
  EventField,
  FieldType,
  Lifetime,
  View,
  Where,
} from '../../src/define/index.ts';
import {
  avg,
  count,
  distinct,
  entity,
  event,
  first,
  last,
  lastN,
  lifetime,
  max,
  min,
  rate,
  ratio,
  share,
  stddev,
  sum,
  timeSinceLast,
  view,
} from '../../src/define/index.ts';

/** When streams begin: long ago, so that the event clock owes nothing to the wall's. */
export const beginning = Date.UTC(2024, 1, 28, 23, 59, 59, 500);

const subject = entity('Subject', { description: 'Whom random features describe.' });

// Values. -------------------------------------------------------------------------------------------------------------

/** Ids in which something could go wrong: key syntax, encodings, lengths in bytes. */
export const id = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom('a', 'b', '{a}', '%7Ba%7D', '}{', '%', 'a:b', ' ', 'é', '商店', '👩‍🚀', 'x'.repeat(256)),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }) },
);

/** Amounts in which something could go wrong: signs, zeros, cancellation, the largest and smallest doubles allowed. */
export const amount = fc.oneof(
  fc.constantFrom(0, -0, 1, -1, 0.1, 0.2, 0.3, 1000, 999.995, 1e15, -1e15, 1e-9, 5e-324, 2 ** 53 / 10 + 0.1),
  fc.integer({ min: -100_000, max: 100_000 }).map((cents) => cents / 100),
  fc.double({ min: -1e15, max: 1e15, noNaN: true }),
);

export const valueOfType: { readonly [T in FieldType]: fc.Arbitrary<string | number | boolean> } = {
  id,
  number: amount,
  boolean: fc.boolean(),
  time: fc.integer({ min: -1_000, max: 1_000 }).map((ms) => beginning + ms),
};

// Definitions. --------------------------------------------------------------------------------------------------------

const field = fc.record({
  type: fc.constantFrom<FieldType>('number', 'number', 'boolean', 'id', 'time'),
  optional: fc.boolean(),
  description: fc.constant('Something.'),
});

/** An event with an id, a time, two entities, a label, and up to six fields of any type. */
export const eventDefinition = fc
  .dictionary(fc.constantFrom('amount', 'score', 'flag', 'label', 'device', 'seenAt'), field, { minKeys: 2 })
  .map((extra) => {
    const of = (type: FieldType): EventField => ({ type, description: 'Something.' });
    const fields = {
      eventId: of('id'),
      at: { ...of('time'), optional: true },
      who: of('id'),
      other: of('id'),
      verdict: { ...of('boolean'), optional: true, label: true },
      ...extra,
    };
    return (event as LooseEvent)('Happening', { description: 'What happens.', id: 'eventId', time: 'at', fields });
  });

const length = fc.oneof(
  fc.constantFrom<Duration>('1s', '1m', '90s', '5m', '1h', '24h', '7d', '30d'),
  fc.integer({ min: 1, max: 300 }).map((s): Duration => `${s}s`),
);

/** A condition on a field of each type that may be filtered by; every operator occurs. */
function condition(type: FieldType): fc.Arbitrary<object> {
  const operand = valueOfType[type];
  const equality = fc.oneof(
    operand.map((eq) => ({ eq })),
    operand.map((ne) => ({ ne })),
    fc.array(operand, { minLength: 1, maxLength: 3 }).map((all) => ({ in: all })),
  );
  if (type !== 'number') return equality;
  const order = fc.record({ gt: operand, gte: operand, lt: operand, lte: operand }, { requiredKeys: [] });
  return fc.oneof(
    equality,
    order.filter((operators) => Object.keys(operators).length > 0),
  );
}

function where(of: Event): fc.Arbitrary<Where> {
  const filterable = Object.entries(of.fields).filter(([name, { type }]) => type !== 'time' && name !== of.id);
  const conditions = Object.fromEntries(filterable.map(([name, { type }]) => [name, condition(type)]));
  return fc
    .record(conditions, { requiredKeys: [] })
    .map((all) => Object.fromEntries(Object.entries(all).slice(0, 2)) as Where);
}

/** A sliding window with or without a delay. */
const slidingWindow = fc.oneof(
  { weight: 2, arbitrary: length.map((of): Sliding => ({ window: of })) },
  { weight: 1, arbitrary: fc.tuple(length, length).map(([of, delay]): Sliding => ({ window: of, delay })) },
);

/** A sliding window, or a lifetime. */
const window = fc.oneof(
  { weight: 6, arbitrary: slidingWindow },
  { weight: 2, arbitrary: length.map((idle): Span => ({ window: lifetime({ idle }) })) },
);
type Sliding = { window: Duration; delay?: Duration };
type Span = Sliding | { window: Lifetime };

/** Short lists, which compaction cuts short where it may. */
const listed = fc.constantFrom(1, 2, 3, 5);

/** Any aggregation that fits the event. */
function aggregation(of: Event): fc.Arbitrary<Aggregation> {
  const filter = fc.option(where(of), { nil: undefined, freq: 3 }).map((where) => (where ? { where } : {}));
  const options = fc.tuple(window, filter).map(([span, where]) => ({ ...span, ...where }));
  const sliding = fc.tuple(slidingWindow, filter).map(([span, where]) => ({ ...span, ...where }));
  const endingNow = fc.tuple(length, filter).map(([window, where]) => ({ window, ...where }));
  const named = (...types: FieldType[]) => Object.keys(of.fields).filter((name) => types.includes(fieldType(of, name)));
  const over = (make: (name: string, of: Span & { where?: Where }) => Aggregation, ...types: FieldType[]) =>
    named(...types).map((name) => options.map((of) => make(name, of)));
  const values = named('number', 'boolean', 'time');
  return fc.oneof(
    options.map((of) => count(of)),
    sliding.map((of) => rate(of)),
    endingNow.map((of) => timeSinceLast(of)),
    ...[sum, avg, min, max, stddev].flatMap((make) => over(make, 'number')),
    ...over(share, 'boolean'),
    ...over(last, 'number', 'boolean', 'time'),
    ...values.map((name) => sliding.map((of) => first(name, of))),
    ...values.map((name) => fc.tuple(sliding, listed).map(([of, n]) => lastN(name, { ...of, n }))),
    ...named('id').map((name) => endingNow.map((of) => distinct(name, of))),
  );
}

function fieldType(of: Event, name: string): FieldType {
  return of.fields[name]?.type ?? 'id';
}

/** The types that keep people from mistakes are in the way of chance. */
type LooseEvent = (name: string, definition: Event extends infer E ? Omit<E, 'name'> : never) => Event;

type LooseView = (
  name: string,
  definition: {
    version: number;
    entity: typeof subject;
    from: Event;
    by: string;
    description: string;
    history?: Duration;
    features: { [name: string]: Aggregation };
    derived: { [name: string]: ReturnType<typeof ratio> };
  },
) => View;

/** Random too, so that no two definitions share a function library by chance. (Making this anew takes long.) */
const viewName = fc.stringMatching(/^[a-z]{4,8}_[a-z0-9]{6}$/);

/** Some of what corrections and samples depend on: shares and counts by the label, and how many events there were. */
export function telling(of: Event): fc.Arbitrary<Aggregation[]> {
  const verdict = condition('boolean').map((verdict) => ({ where: { verdict } as Where }));
  const labelled = fc.tuple(slidingWindow, verdict);
  return fc
    .tuple(
      fc.option(
        slidingWindow.map((of) => share('verdict', of)),
        { freq: 2 },
      ),
      fc.option(
        labelled.map(([span, where]) => count({ ...span, ...where })),
        { freq: 2 },
      ),
      fc.option(
        length.map((window) => distinct(of.id, { window })),
        { freq: 2 },
      ),
    )
    .map((some) => some.filter((one) => one !== null));
}

/** A view of the event; some of its features may be given. */
export function viewOf(of: Event, given: fc.Arbitrary<Aggregation[]> = fc.constant([])): fc.Arbitrary<View> {
  const others = fc.array(aggregation(of), { minLength: 1, maxLength: 8 });
  const features = fc.tuple(others, given).map((some) => some.flat());
  const history = fc.constantFrom<Duration | undefined>(undefined, '1s', '1h', '30d');
  return fc.tuple(viewName, features, fc.constantFrom('who', 'other'), history).map(([name, all, by, reach]) => {
    const named = all.map((one, index) => [`f${index}${one.kind}`, one] as const);
    const numbers = named.flatMap(([name, { kind }]) => (kind === 'lastN' ? [] : [name]));
    return (view as unknown as LooseView)(name, {
      version: 1,
      entity: subject,
      from: of,
      by,
      description: 'A random view.',
      ...(reach && { history: reach }),
      features: Object.fromEntries(named),
      derived: Object.fromEntries(numbers.slice(1).map((name, i) => [`ratio${i}`, ratio(numbers[i] ?? name, name)])),
    });
  });
}
