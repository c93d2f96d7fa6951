import { useEffect, useRef } from 'preact/hooks';
import type { Feature } from '../api/catalogue.ts';
import type { FeatureValue } from '../api/documents.ts';
import { second, storeNow } from '../model/clock.ts';
import { formatMoment, formatNumber, formatValue } from '../model/format.ts';
import { rangeMs } from '../model/settings.ts';
import type { Tracked } from '../model/tracked.ts';
import { Chart, type Drawing } from './chart.tsx';

export interface FeatureRowProps {
  readonly tracked: Tracked;
  readonly feature: Feature;
  readonly value: FeatureValue;
  readonly open: boolean;
  readonly onToggle: () => void;
}

/** A feature as a number with its line; opened, with what it means and a chart that can be read. */
export function FeatureRow({ tracked, feature, value, open, onToggle }: FeatureRowProps) {
  const place = tracked.charted.indexOf(feature);
  const id = `${tracked.view.name}-${tracked.id}-${feature.name}`;
  const draw = () => drawing(tracked, place);
  const format = (number: number) => formatNumber(number, feature.type);
  const details = feature.description ?? feature.name;
  return (
    <li class={open ? 'feature open' : 'feature'}>
      <button type="button" class="row" aria-expanded={open} aria-controls={id} title={details} onClick={onToggle}>
        <span class="name">{feature.name}</span>
        {place >= 0 ? (
          <Chart draw={draw} height={26} formatValue={format} label={`${feature.name} over time`} />
        ) : (
          <span class="chart" />
        )}
        <Value feature={feature} value={value} />
      </button>
      <div id={id} hidden={!open} class="details">
        {open && (
          <>
            <p>
              {details} <span class="definition">{definition(feature)}</span>
            </p>
            {typeof value === 'string' && feature.type === 'DateTime' && <p>{formatMoment(Date.parse(value))}</p>}
            {place >= 0 && (
              <Chart
                draw={draw}
                height={180}
                full
                formatValue={format}
                whole={feature.type === 'Int'}
                label={`${feature.name} over time, with axes`}
              />
            )}
          </>
        )}
      </div>
    </li>
  );
}

/** The number itself, which lights up when it changes. */
function Value({ feature, value }: { feature: Feature; value: FeatureValue }) {
  const text = formatValue(value, feature, feature.type.includes('DateTime') ? second.value : 0);
  const place = useRef<HTMLSpanElement>(null);
  const before = useRef(JSON.stringify(value));
  useEffect(() => {
    const now = JSON.stringify(value);
    if (before.current === now) return;
    before.current = now;
    if (matchMedia('(prefers-reduced-motion: reduce)').matches) return;
    // In a few steps: each is painted, and hundreds of numbers may change at once.
    place.current?.animate([{ backgroundColor: 'var(--flash)' }, { backgroundColor: 'transparent' }], {
      duration: 900,
      easing: 'steps(5, jump-none)',
    });
  }, [value]);
  return (
    <span ref={place} class="value">
      {text}
    </span>
  );
}

function drawing(tracked: Tracked, place: number): Drawing {
  tracked.drawing.value; // drawn anew whenever that goes up
  const to = storeNow();
  const from = to - rangeMs.value;
  return { ...tracked.trace.drawn(place, from, to), from: from / 1_000, to: to / 1_000 };
}

/** Such as `count, 24h, where amount ≥ 1000`. */
function definition({ aggregation, sourceField, window, where }: Feature): string {
  const of = sourceField === null ? aggregation : `${aggregation} of ${sourceField}`;
  return [of, window, where === null ? null : `where ${where}`].filter((part) => part !== null).join(', ');
}
