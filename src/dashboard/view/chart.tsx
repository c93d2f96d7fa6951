import { useComputed, useSignal, useSignalEffect } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { second } from '../model/clock.ts';
import { theme } from '../model/settings.ts';

/** What to draw: seconds since 1970, values that hold from then on, and from when to when. */
export interface Drawing {
  readonly times: readonly number[];
  readonly values: readonly (number | null)[];
  readonly from: number;
  readonly to: number;
}

export interface ChartProps {
  /** Asked for whenever there is something new, and each second: time goes by. */
  readonly draw: () => Drawing;
  readonly height: number;
  /** With axes, and a value under the pointer; otherwise a line and nothing else. */
  readonly full?: boolean;
  readonly formatValue?: (value: number) => string;
  /** Whether values are whole, and so is what the axis says. */
  readonly whole?: boolean;
  /** What it shows, for who does not see it; what the values are is added. */
  readonly label: string;
}

/** One feature over time, as steps: a value holds until the next. */
export function Chart({ draw, height, full = false, formatValue = String, whole = false, label }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const seen = useSignal(false);
  const drawing = useComputed(() => {
    second.value;
    return draw();
  });
  // Colours are the style sheet's, read when the chart is made.
  const colours = `${theme.value} ${useSystemTheme()}`;

  useEffect(() => {
    const { current: element } = place;
    if (!element) return;
    const made = new uPlot(options(element, height, full, formatValue, whole), [[], []], element);
    plot.current = made;
    show(made, drawing.peek());
    const resizing = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
    resizing.observe(element);
    // Of hundreds of charts, those are drawn that somebody sees.
    const watching = new IntersectionObserver((entries) => {
      seen.value = entries.at(-1)?.isIntersecting ?? false;
    });
    watching.observe(element);
    return () => {
      resizing.disconnect();
      watching.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [colours, height, full]);
  useSignalEffect(() => {
    if (!seen.value) return;
    const { value } = drawing;
    if (plot.current) show(plot.current, value);
    place.current?.setAttribute('aria-label', `${label}: ${inWords(value, formatValue)}`);
  });
  return <div ref={place} class={full ? 'chart full' : 'chart'} style={{ height }} role="img" aria-label={label} />;
}

/** The same for ears. */
function inWords({ values }: Drawing, formatValue: (value: number) => string): string {
  const known = values.filter((value) => value !== null);
  const newest = values.at(-1);
  if (known.length === 0) return 'no values';
  const now = newest === null || newest === undefined ? 'not known now' : `now ${formatValue(newest)}`;
  return `from ${formatValue(Math.min(...known))} to ${formatValue(Math.max(...known))}, ${now}`;
}

function show(plot: uPlot, { times, values, from, to }: Drawing): void {
  plot.batch(() => {
    plot.setData([times as number[], values as (number | null)[]], false);
    plot.setScale('x', { min: from, max: to });
  });
}

function options(
  element: HTMLElement,
  height: number,
  full: boolean,
  formatValue: (value: number) => string,
  whole: boolean,
): uPlot.Options {
  const style = getComputedStyle(element);
  const colour = (name: string) => style.getPropertyValue(name);
  const axis = { stroke: colour('--quiet'), grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false } };
  return {
    width: element.clientWidth,
    height,
    padding: full ? [12, 18, 0, 0] : [3, 1, 3, 1],
    legend: { show: false },
    cursor: full ? { y: false, points: { size: 7 } } : { show: false },
    select: { show: false, left: 0, top: 0, width: 0, height: 0 },
    scales: { x: { time: true, auto: false }, y: { range: roomy } },
    axes: full
      ? [
          {
            ...axis,
            size: 30,
            space: 52,
            values: (_, splits, _i, _s, step) => splits.map((at) => formatTime(at, step)),
          },
          { ...axis, ...(whole && { incrs: wholeSteps }), size: 64, values: (_, splits) => splits.map(formatValue) },
        ]
      : [{ show: false }, { show: false }],
    series: [
      {},
      {
        stroke: colour('--accent'),
        fill: colour('--accent-wash'),
        width: full ? 2 : 1.5,
        points: { show: false },
        spanGaps: false,
        ...(uPlot.paths.stepped && { paths: uPlot.paths.stepped({ align: 1 }) }),
      },
    ],
    hooks: full ? { setCursor: [(plot) => tell(plot, element, formatValue)] } : {},
  };
}

const minutes = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
const seconds = new Intl.DateTimeFormat(undefined, { minute: '2-digit', second: '2-digit' });

/** Of a moment in seconds, what tells it from its neighbours that are `step` away. */
function formatTime(at: number, step: number): string {
  return (step < 60 && at % 60 !== 0 ? seconds : minutes).format(1_000 * at);
}

/** Of an axis that only knows whole numbers. */
const wholeSteps = Array.from({ length: 16 }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power)).flat();

/** From 0 where that is near, and never without height: what stands still is a line in the middle. */
function roomy(_: uPlot, low: number | null, high: number | null): uPlot.Range.MinMax {
  if (low === null || high === null) return [0, 1];
  if (low === high) return low === 0 ? [0, 1] : [low - Math.abs(low) / 2, low + Math.abs(low) / 2];
  const from = low > high / 2 ? low : Math.min(0, low);
  const room = 0.1 * (high - from);
  return [from === 0 ? 0 : from - room, high + room];
}

/** Shows the value under the pointer in the chart's corner. */
function tell(plot: uPlot, element: HTMLElement, formatValue: (value: number) => string): void {
  const { idx } = plot.cursor;
  const value = typeof idx === 'number' ? plot.data[1]?.[idx] : undefined;
  const time = typeof idx === 'number' ? plot.data[0][idx] : undefined;
  element.dataset.tip =
    typeof value === 'number' && time !== undefined
      ? `${new Date(1_000 * time).toLocaleTimeString()}: ${formatValue(value)}`
      : '';
}

function useSystemTheme(): string {
  const query = useRef(matchMedia('(prefers-color-scheme: dark)')).current;
  const [dark, setDark] = useState(query.matches);
  useEffect(() => {
    const change = () => setDark(query.matches);
    query.addEventListener('change', change);
    return () => query.removeEventListener('change', change);
  }, [query, setDark]);
  return dark ? 'dark' : 'light';
}
