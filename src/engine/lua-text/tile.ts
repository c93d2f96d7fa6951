import { layoutOf, type TileFormat, tileFormat } from '../layout.ts';
import type { Lane, Plan } from '../plan.ts';
import { block, eventOf, hasFlag, isIn, valueIn } from './aggregate.ts';

/** Where a lane's numbers stand in a tile. */
export type LanePlaces = TileFormat['lanes'][number];

/**
 * Lua that puts cells of one view together. In it `t` is a tile as it is unpacked, an array. It gives the view
 *
 *   view.empty_tile()         a tile of nothing yet
 *   view.add(t, event…)       adds an event to a tile
 *   view.merge(t, later)      adds a tile to one that comes before it
 *   view.take(t, singles, j, count, to, times, ids, kinds)
 *                             adds singles to a tile, from number j on, up to one that is at `to` or later; into the last three goes
 *                             what they are (`kinds`: their flags). Returns the number of that one, and its time
 */
export function tilesOf(plan: Plan): string {
  const { lanes, fields } = tileFormat(layoutOf(plan).lanes);
  const each = (of: (places: LanePlaces, lane: Lane) => string[]) =>
    lanes.flatMap((places, i) => of(places, plan.lanes[i] as Lane));
  return block('do', [
    `local view = views[${plan.index}]`,
    block('function view.empty_tile()', [`return { ${emptyTile(lanes, fields).join(', ')} }`]),
    block(`function view.add(t, ${eventOf(plan)})`, [
      ...each((places, lane) => [block(`if ${isIn(lane)} then`, adding(places, lane))]),
      ...addingTimes({ n: '1', first: 'time', last: 'time', pastFirst: '0', spread: '0' }),
    ]),
    block('function view.take(t, singles, j, count, to, times, ids, kinds)', [
      'for i = j, count - 1 do',
      `  local ${eventOf(plan)} = struct.unpack(view.single_format, singles, view.single_bytes * i + 1)`,
      '  if time >= to then return i, time end',
      '  times[i + 1], ids[i + 1], kinds[i + 1] = time, id, flags',
      `  view.add(t, ${eventOf(plan)})`,
      'end',
      'return count',
    ]),
    block('function view.merge(t, later)', [
      ...each((places, lane) => [
        block('do', [`local n = later[${places.n}]`, block('if n > 0 then', merging(places, lane))]),
      ]),
      ...addingTimes({ n: 'later[3]', first: 'later[1]', last: 'later[2]', pastFirst: 'later[4]', spread: 'later[5]' }),
    ]),
  ]);
}

/**
 * Adds so many events to a tile's, from `first` to `last`, by how far their mean is past `first` and the squared distances from it.
 * (A mean of times themselves would have no digits left for parts of a millisecond.)
 */
function addingTimes(of: Record<'n' | 'first' | 'last' | 'pastFirst' | 'spread', string>): string[] {
  return [
    'local before, begins, mean = t[3], t[1], t[4]',
    `if ${of.first} < begins then`,
    `  begins, mean = ${of.first}, before > 0 and begins - ${of.first} + mean or 0`,
    'end',
    `local distance, all = ${of.first} - begins + ${of.pastFirst} - mean, before + ${of.n}`,
    `if ${of.last} > t[2] then t[2] = ${of.last} end`,
    `t[1], t[3], t[4] = begins, all, mean + distance * ${of.n} / all`,
    `t[5] = t[5] + ${of.spread} + distance * distance * before * ${of.n} / all`,
  ];
}

function emptyTile(lanes: readonly LanePlaces[], fields: number): string[] {
  const values = Array.from({ length: fields }, () => '0');
  values[0] = 'INFINITE';
  values[1] = '-INFINITE';
  const put = (place: number, value: string) => {
    if (place > 2) values[place - 1] = value;
  };
  for (const { least, newest, newestAt, oldest, oldestAt } of lanes) {
    put(least, 'INFINITE');
    if (least > 0) put(least + 1, '-INFINITE');
    put(newest, 'NULL');
    put(newestAt, '-INFINITE');
    put(oldest, 'NULL');
    put(oldestAt, 'INFINITE');
  }
  return values;
}

/** Adds the event to a lane. The tile's own number of events is not yet what it will be. */
function adding({ n, sum, least, spread, trues, ...places }: LanePlaces, lane: Lane): string[] {
  const value = valueIn(lane);
  return [
    ...noting(places, 'time', value),
    ...(spread
      ? [
          `local before = t[${n}]`,
          block('if before > 0 then', [
            `local distance = ${value} - (t[${sum}] + t[${sum + 1}]) / before`,
            `t[${spread}] = t[${spread}] + distance * distance * before / (before + 1)`,
          ]),
        ]
      : []),
    ...(sum ? addingUp(sum, value, '') : []),
    ...(least
      ? [
          `if ${value} < t[${least}] then t[${least}] = ${value} end`,
          `if ${value} > t[${least + 1}] then t[${least + 1}] = ${value} end`,
        ]
      : []),
    ...(trues ? [`if ${hasFlag(lane.trueMask)} then t[${trues}] = t[${trues}] + 1 end`] : []),
    ...(n === 3 ? [] : [`t[${n}] = t[${n}] + 1`]),
  ];
}

/** Adds the later tile's `n` events of a lane. */
function merging({ n, sum, least, spread, trues, ...places }: LanePlaces, { column }: Lane): string[] {
  const { newest, newestAt, oldest, oldestAt } = places;
  const later = (place: number) => `later[${place}]`;
  return [
    ...noting({ newest, newestAt, oldest: 0, oldestAt: 0 }, later(newestAt), later(newest)),
    ...noting({ newest: 0, newestAt: 0, oldest, oldestAt }, later(oldestAt), later(oldest)),
    ...(spread
      ? [
          `local before, spread = t[${n}], later[${spread}]`,
          block('if before > 0 then', [
            `local distance = (later[${sum}] + later[${sum + 1}]) / n - (t[${sum}] + t[${sum + 1}]) / before`,
            `spread = spread + t[${spread}] + distance * distance * before * n / (before + n)`,
          ]),
          `t[${spread}] = spread`,
        ]
      : []),
    ...(sum ? addingUp(sum, later(sum), ` + later[${sum + 1}]`) : []),
    ...(column > 0 && least
      ? [
          `if later[${least}] < t[${least}] then t[${least}] = later[${least}] end`,
          `if later[${least + 1}] > t[${least + 1}] then t[${least + 1}] = later[${least + 1}] end`,
        ]
      : []),
    ...(trues ? [`t[${trues}] = t[${trues}] + later[${trues}]`] : []),
    ...(n === 3 ? [] : [`t[${n}] = t[${n}] + n`]),
  ];
}

/** A compensated sum (Knuth's two-sum); `rest`: what rounding took from what is added. */
function addingUp(sum: number, value: string, rest: string): string[] {
  return [
    `local had = t[${sum}]`,
    `local total = had + ${value}`,
    'local added = total - had',
    `t[${sum}], t[${sum + 1}] = total, t[${sum + 1}] + ((had - (total - added)) + (${value} - added))${rest}`,
  ];
}

/**
 * Notes a value as that of a lane's newest event, if it is (of several at one moment the greatest), and as that of its oldest (of
 * several the least). Where every event is in the lane, when that was is the tile's own first or last.
 */
function noting(
  { newest, newestAt, oldest, oldestAt }: Pick<LanePlaces, 'newest' | 'newestAt' | 'oldest' | 'oldestAt'>,
  time: string,
  value: string,
): string[] {
  const note = (place: number, at: number, own: number, beyond: string) =>
    place === 0
      ? []
      : [
          block(
            `if ${time} ${beyond} t[${at}] or ${time} == t[${at}] and not (${value} ${beyond === '>' ? '<=' : '>='} t[${place}]) then`,
            [`t[${place}]${at === own ? '' : `, t[${at}]`} = ${value}${at === own ? '' : `, ${time}`}`],
          ),
        ];
  return [...note(newest, newestAt, 2, '>'), ...note(oldest, oldestAt, 1, '<')];
}
