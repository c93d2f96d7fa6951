import { activity, activityWithheld, type ServerActivity } from '../model/activity.ts';
import { storeNow } from '../model/clock.ts';
import { noValue } from '../model/format.ts';
import { Chart, type Drawing } from './chart.tsx';

interface Figure {
  readonly name: string;
  readonly title: string;
  readonly of: (sample: ServerActivity) => number | null;
  readonly unit?: string;
}

const figures: readonly Figure[] = [
  { name: 'events/s', title: 'Events newly recorded, a second', of: ({ eventsPerSecond }) => eventsPerSecond },
  {
    name: 'turned away/s',
    title: 'Events that were duplicates, too late, rejected, or could not be recorded for now, a second',
    of: ({ turnedAwayPerSecond }) => turnedAwayPerSecond,
  },
  { name: 'reads/s', title: 'Vectors read for queries, a second', of: ({ readsPerSecond }) => readsPerSecond },
  { name: 'p50', title: 'Half of all answers took at most so long', of: ({ p50Ms }) => p50Ms, unit: 'ms' },
  { name: 'p99', title: '99 of a hundred answers took at most so long', of: ({ p99Ms }) => p99Ms, unit: 'ms' },
  { name: 'watchers', title: 'Open subscriptions to views', of: ({ watchers }) => watchers },
];

const shownMs = 120_000; // two minutes
const sampleMs = 1_000; // a second

/** What the API does, second by second. */
export function ActivityLine() {
  if (activityWithheld.value) return null;
  const latest = activity.value.at(-1)?.sample ?? null;
  return (
    <section class="activity" aria-label="What this API does">
      {figures.map(({ name, title, of, unit }) => {
        const value = latest && of(latest);
        return (
          <div class="figure" key={name} title={title}>
            <span class="name">{name}</span>
            <span class="value">
              {value === null ? noValue : format(value)}
              {value !== null && unit && <span class="unit"> {unit}</span>}
            </span>
            <Chart draw={() => draw(of)} height={24} formatValue={format} label={`${name}, over two minutes`} />
          </div>
        );
      })}
    </section>
  );
}

/** A sample is of the second before it; where none is known, there is no line. */
function draw(of: (sample: ServerActivity) => number | null): Drawing {
  const times: number[] = [];
  const values: (number | null)[] = [];
  for (const { at, sample } of activity.value) {
    const value = sample && of(sample);
    times.push((at - sampleMs) / 1_000, at / 1_000);
    values.push(value, value);
  }
  const to = storeNow();
  return { times, values, from: (to - shownMs) / 1_000, to: to / 1_000 };
}

function format(value: number): string {
  if (Number.isInteger(value) || value >= 100) return Math.round(value).toLocaleString();
  return value.toLocaleString(undefined, { maximumFractionDigits: value < 10 ? 2 : 1 });
}
