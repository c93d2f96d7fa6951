import type { CutTile, InspectedDistinct, InspectedLifetime, InspectedWindow, Move } from '../../engine/index.ts';
import { type Row, section } from './columns.ts';
import type { Explanation, FeatureExplanation } from './explanation.ts';
import { fromNow, many, moment, number, value } from './words.ts';

/** What a feature's value is made of: the cells of its window, last sightings of values, or a running figure. */
export function madeOfSection(feature: FeatureExplanation, explanation: Explanation): string[] {
  const { madeOf } = feature;
  switch (madeOf?.kind) {
    case 'window':
      return section('window', [...windowRows(madeOf), ...moveRows(feature, explanation)]);
    case 'distinct':
      return section('window', [...distinctRows(madeOf), ...moveRows(feature, explanation)]);
    case 'lifetime':
      return section('running figure', [...lifetimeRows(madeOf), ...moveRows(feature, explanation)]);
    default:
      return [];
  }
}

function windowRows(window: InspectedWindow): Row[] {
  const { singles = 0, singlesCounted = 0, tiles = 0, eventsInTiles = 0, tilesCounted = 0, cuts = [] } = window;
  return [
    ...edgeRows(window),
    ['singles', many(singles, 'event') + ofWhich(singles, singlesCounted)],
    [
      'whole tiles',
      tiles === 0
        ? 'none'
        : `${number(tiles)}, of ${many(eventsInTiles, 'event')}${ofWhich(eventsInTiles, tilesCounted)}`,
    ],
    ...(cuts.length === 0 ? ([['cut tiles', 'none']] as Row[]) : cuts.map((cut): Row => [`cut tile`, cutText(cut)])),
  ];
}

function edgeRows({ from, to }: { readonly from: number; readonly to: number }): Row[] {
  return [
    ['after', `${moment(from)}, which is out`],
    ['up to', `${moment(to)}, which is in`],
  ];
}

/** Says how many count, if not all. */
function ofWhich(events: number, counted: number): string {
  return events === counted ? '' : `, of which ${number(counted)} count`;
}

const edges = { older: 'the older edge', younger: 'the younger edge', both: 'both edges' } as const;

function cutText({ edge, first, last, events, inside, fewest, most, counted, countedInside }: CutTile): string {
  const sure = fewest === most ? 'for sure' : `${number(fewest)} to ${number(most)} may be`;
  const counting = events === counted ? '' : `; of ${number(counted)} that count, ${number(countedInside)} do`;
  return `by ${edges[edge]}: ${many(events, 'event')} from ${moment(first)} to ${moment(last)}, of which ${number(inside)} ${inside === 1 ? 'is' : 'are'} taken to be inside (${sure})${counting}`;
}

function distinctRows(distinct: InspectedDistinct): Row[] {
  const { singles, wholeSince, strata } = distinct;
  const rows: Row[] = [
    ...edgeRows(distinct),
    ['last in singles', many(singles, 'value')],
    ['last in tiles', inTilesText(distinct)],
    ...tableRows(distinct),
  ];
  if (wholeSince !== null) rows.push(['whole since', `${moment(wholeSince)}: values last seen before may be missing`]);
  for (const { from, fraction, values } of strata) {
    rows.push([`from ${moment(from)}`, `${(100 * fraction).toFixed(1)} % of values are kept: ${number(values)}`]);
  }
  return rows;
}

function inTilesText({ missing, inTable, inside, strata }: InspectedDistinct): string {
  if (missing) return 'not known';
  if (strata.length > 0) return `${many(inTable, 'value')}, a sample that stands for ${number(Math.round(inside))}`;
  return many(inTable, 'value');
}

/** The table of values whose last sighting is in a tile. */
function tableRows({ key, missing, buckets, slots, stored, fedAt }: InspectedDistinct): Row[] {
  if (missing)
    return [
      ['table', key],
      ['MISSING', 'it was evicted, or deleted by hand; what it held is not known'],
    ];
  if (buckets === 0) return [['table', 'none: no value was last seen in a tile, as far back as can be looked']];
  const holds = `${many(stored, 'value')} in ${many(slots, 'slot')}, ${many(buckets, 'bucket')}; fed up to ${moment(fedAt)}`;
  return [
    ['table', key],
    ['holds', holds],
  ];
}

function lifetimeRows({ events, arrival, oldest, ended, endedAt }: InspectedLifetime): Row[] {
  if (ended) return [['holds', `nothing: no event came since ${moment(arrival)}, and it has forgotten all`]];
  return [
    ['holds', `${many(events, 'event')}, the oldest of ${moment(oldest)}`],
    ['last came', moment(arrival)],
    ...(endedAt === null ? [] : ([['forgot', `what came up to ${moment(endedAt)}`]] as Row[])),
  ];
}

function moveRows(feature: FeatureExplanation, explanation: Explanation): Row[] {
  const { madeOf } = feature;
  if (!madeOf) return [];
  const row = (label: string, move: Move | undefined): Row => [
    label,
    move ? moveText(move, feature, explanation) : 'nothing',
  ];
  const rows = [row(madeOf.kind === 'lifetime' ? 'forgets all' : 'leaves next', madeOf.leaves)];
  const isDelayed = madeOf.kind === 'window' && explanation.now !== null && madeOf.to < explanation.now;
  return isDelayed ? [...rows, row('enters next', madeOf.enters)] : rows;
}

const conditions = { window: '', distinct: ', if not seen again', lifetime: ', if no event comes' } as const;

function moveText(move: Move, feature: FeatureExplanation, { now, clock }: Explanation): string {
  const { at, counted } = move;
  const when =
    clock === 'event' ? `once an event comes of ${moment(at)} or later` : `${moment(at)}, ${fromNow(at - (now ?? 0))}`;
  if (counted === 0) return `nothing that counts before ${moment(at)}`;
  const { kind = 'window' } = feature.madeOf ?? {};
  const then = feature.upcoming.find((one) => one.at === at);
  const becomes = then ? `. It is ${value(then.value)} then` : '';
  return `${when}: ${moving(move, feature)}${conditions[kind]}${becomes}`;
}

function moving({ events, counted }: Move, { madeOf }: FeatureExplanation): string {
  return many(events, madeOf?.kind === 'distinct' ? 'value' : 'event') + ofWhich(events, counted);
}

/** Whichever moves next of what leaves and what enters. */
export function nextMove({ madeOf }: FeatureExplanation): Move | undefined {
  const enters = madeOf?.kind === 'window' ? madeOf.enters : undefined;
  if (!enters || !madeOf?.leaves) return enters ?? madeOf?.leaves;
  return enters.at < madeOf.leaves.at ? enters : madeOf.leaves;
}

/** When something moves, and how much, in few words. */
export function shortMove(move: Move, feature: FeatureExplanation, { now }: Explanation): string {
  const when = fromNow(move.at - (now ?? 0));
  return move.counted === 0 ? `none ${when}` : `${when}, ${moving(move, feature)}`;
}
