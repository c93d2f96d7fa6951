import { whole } from '../report/table.ts';
import type { Comparison } from './comparison.ts';
import type { Machine } from './machine.ts';
import { type Measured, medianOf } from './turn.ts';

const width = 880;
const margin = 24;
const gap = 40;
const columns = 2;
const headHeight = 64;
const titleHeight = 44;
const rowHeight = 26;
const barHeight = 16;
const labelWidth = 158;
const valueWidth = 62;
const footHeight = 40;
const panelWidth = (width - 2 * margin - gap * (columns - 1)) / columns;
const barWidth = panelWidth - labelWidth - valueWidth;

/** A picture reads light on light and dark on dark, wherever it is shown. */
const style = `
    text { font: 13px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; fill: #3d444d }
    .head { font-size: 17px; font-weight: 600; fill: #1f2328 }
    .title { font-weight: 600; fill: #1f2328 }
    .note { font-size: 12px; fill: #656d76 }
    .value { font-variant-numeric: tabular-nums }
    .own { font-weight: 600; fill: #1f2328 }
    .paper { fill: #ffffff }
    .track { fill: #eff2f5 }
    .bar { fill: #b1bac4 }
    .bar.ours { fill: #0d7d87 }
    @media (prefers-color-scheme: dark) {
      text { fill: #b7bdc8 }
      .head, .title, .own { fill: #f0f6fc }
      .note { fill: #9198a1 }
      .paper { fill: #0d1117 }
      .track { fill: #191f27 }
      .bar { fill: #59636e }
      .bar.ours { fill: #2fb8c4 }
    }`;

/** Bars of all comparisons, a panel each, as an SVG picture. */
export function chart(comparisons: readonly Comparison[], { processor, cores, node, valkey, at }: Machine): string {
  const panels: string[] = [];
  let y = headHeight;
  for (let first = 0; first < comparisons.length; first += columns) {
    const row = comparisons.slice(first, first + columns);
    for (const [column, comparison] of row.entries()) {
      panels.push(panel(comparison, margin + column * (panelWidth + gap), y));
    }
    y += titleHeight + rowHeight * Math.max(...row.map(({ measured }) => measured.length)) + 18;
  }
  const height = y + footHeight;
  const note = `Medians on ${cores} cores of ${processor}, which server, Valkey and load share; Node ${node}, ${valkey.replace(/^an embedded /, '')}; ${at.slice(0, 10)}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title">
  <title id="title">Freshet beside its peers: ${comparisons.map(({ title }) => escaped(title)).join('; ')}</title>
  <style>${style}
  </style>
  <rect class="paper" width="${width}" height="${height}" rx="8"/>
  <text class="head" x="${margin}" y="34">Freshet beside its peers</text>
  <text class="note" x="${width - margin}" y="34" text-anchor="end">longer is faster</text>
${panels.join('\n')}
  <text class="note" x="${margin}" y="${height - 18}">${escaped(note)}</text>
</svg>
`;
}

function panel({ title, unit, measured }: Comparison, x: number, y: number): string {
  const longest = Math.max(...measured.map(({ turns }) => medianOf(turns, 'perSecond')));
  const bars = measured.map((one, i) => bar(one, longest, y + titleHeight + i * rowHeight));
  const [kind = '', what = ''] = title.split(/: (.*)/);
  return `  <g transform="translate(${x} 0)">
    <text class="title" y="${y + 14}">${escaped(`${kind[0]?.toUpperCase()}${kind.slice(1)}: ${what}`)}</text>
    <text class="note" y="${y + 31}">${unit} a second</text>
${bars.join('\n')}
  </g>`;
}

function bar({ contender, turns }: Measured, longest: number, y: number): string {
  const value = medianOf(turns, 'perSecond');
  const length = Math.max(2, (value / longest) * barWidth).toFixed(1);
  const own = contender.startsWith('Freshet') ? ' own' : '';
  const ours = own ? ' ours' : '';
  return `    <text class="label${own}" y="${y + 13}">${escaped(contender)}</text>
    <rect class="track" x="${labelWidth}" y="${y}" width="${barWidth}" height="${barHeight}" rx="3"/>
    <rect class="bar${ours}" x="${labelWidth}" y="${y}" width="${length}" height="${barHeight}" rx="3"/>
    <text class="value${own}" x="${panelWidth}" y="${y + 13}" text-anchor="end">${whole(value)}</text>`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
