import type { Milliseconds, View } from '../../src/define/index.ts';
import type { Random } from '../../src/simulate/index.ts';
import { countUpTo, type Stretch } from '../simulate/arrivals.ts';

/** When an entity's values are looked at, and its events: those that were given, and those that make these moments. */
export interface Moments {
  readonly times: Float64Array;
  /** Indexes of events, ascending: the values as they are once the event, the last one of its moment, is in. */
  readonly looks: readonly number[];
}

/**
 * Chooses moments to look at: a third at random, a third at events, a third just as an event crosses an edge of a window.
 * Under the event clock an entity's now is its newest event's, so where no event is, one is added; it counts like any other.
 */
export function chooseMoments(
  random: Random,
  view: View,
  times: Float64Array,
  within: Stretch,
  count: number,
): Moments {
  const ages = edgesOf(view);
  const lengthMs = within.toMs - within.fromMs;
  const looks: Milliseconds[] = [];
  const added: Milliseconds[] = [];
  for (let i = 0; i < count; i++) {
    const anywhere = within.fromMs + random.below(lengthMs);
    const age = ages[random.below(ages.length)] as Milliseconds;
    const atEvent = times[countUpTo(times, anywhere)];
    const atEdge = (times[countUpTo(times, anywhere - age)] ?? Number.POSITIVE_INFINITY) + age;
    const moment = [anywhere, atEvent, atEdge][i % 3] ?? anywhere;
    const look = moment < within.toMs ? moment : anywhere;
    looks.push(look);
    if (look !== atEvent) added.push(look);
  }
  const all = Float64Array.from([...times, ...added]).sort();
  const indexes = new Set(looks.map((look) => countUpTo(all, look) - 1));
  return { times: all, looks: [...indexes].sort((a, b) => a - b) };
}

/** The ages at which an event enters (behind a delay) or leaves a window. */
function edgesOf({ features }: View): Milliseconds[] {
  const ages = features.flatMap(({ aggregation: { window } }) =>
    window.kind === 'sliding' ? [window.delayMs, window.delayMs + window.lengthMs] : [],
  );
  return [...new Set(ages)].filter((age) => age > 0);
}
