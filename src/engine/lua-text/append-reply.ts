import { arrivalIn, type HeaderPlaces, vectorAt } from '../layout.ts';
import type { Lane, Plan, PlannedFeature } from '../plan.ts';
import { isIn, valueIn } from './aggregate.ts';
import { bookOf, markBytesOf, served, tableWindowsOf } from './places.ts';
import { serving, valueHeld } from './unroll.ts';

/** So many doubles are packed at once: while they wait for it, they take room that names need. */
const packedAtOnce = 45;
const { revision, asOf, validUntil, lastEventAt, eventSeq, expiresAt } = served;

/** What the served hash tells of the vector, in the order of `keep_served`. */
const told = [asOf, validUntil, revision, eventSeq, lastEventAt];

/** What is served, stored and answered: a part of append.ts, after which nothing can be given up. */
export function replying(plan: Plan, header: HeaderPlaces): string[] {
  return [...valuing(plan, header), ...writing(plan, header)];
}

/** The vector, and until when it holds. */
function valuing(plan: Plan, header: HeaderPlaces): string[] {
  const newest = (f: number) => {
    const { scan } = plan.features[f] as PlannedFeature;
    const lane = plan.lanes[scan?.lane as number] as Lane;
    // Of an event that is not in its lane, the newest that is may have left.
    return [
      `if ${isIn(lane)} then newest = ${valueIn(lane)}`,
      `elseif scanned then return nil, raw else newest = s[${vectorAt + f + 1}] end`,
      ...serving(plan, f, 'newest'),
    ];
  };
  return [
    'local at, gone_at, changed, value, old, newest = 0, 0, false',
    ...plan.features.flatMap((_, f) => {
      const value = valueHeld(plan, header, f, false);
      return value === null ? newest(f) : serving(plan, f, value);
    }),
    ...dating(plan, header),
  ];
}

/** Of when the vector is, until when it holds, and which revision it has. `tables`: there may be tables of last-seen times. */
export function dating(plan: Plan, header: HeaderPlaces, tables = false): string[] {
  const windows = tables ? plan.seen.flatMap((_, i) => tableWindowsOf(plan, header, i)) : [];
  return [
    'local upcoming = INFINITE',
    ...header.edges.map((edge) => `if s[${edge + 1}] < upcoming then upcoming = s[${edge + 1}] end`),
    ...plan.lifetimes.map(({ idleMs }, i) => {
      const arrival = `s[${arrivalIn(header.lifetimes[i] as number).arrival}]`;
      return `if ${arrival} > -INFINITE and ${arrival} + ${idleMs} < upcoming then upcoming = ${arrival} + ${idleMs} end`;
    }),
    ...windows.map(({ leavesAt }) => `if ${leavesAt} < upcoming then upcoming = ${leavesAt} end`),
    `s[${asOf}], s[${validUntil}] = now, upcoming`,
    `if changed or s[${revision}] == 0 then s[${revision}] = max(s[${revision}] + 1, call.micros) end`,
  ];
}

/** Until when the log and the hash must live. */
export function needing(plan: Plan, header: HeaderPlaces): string[] {
  return [
    `local needed = (call.event_clock and call.millis or s[${lastEventAt}]) + view.keep`,
    ...plan.lifetimes.map(({ idleMs }, i) => {
      const { arrival } = arrivalIn(header.lifetimes[i] as number);
      return `needed = max(needed, (call.event_clock and call.millis or s[${arrival}]) + ${idleMs})`;
    }),
  ];
}

/** The log and the hash, and the reply. */
function writing(plan: Plan, header: HeaderPlaces): string[] {
  const { singles } = bookOf(header);
  const vectorDoubles = vectorAt + plan.vectorDoubles;
  const sizes = [vectorDoubles];
  for (let rest = header.hotDoubles - vectorDoubles; rest > 0; rest -= packedAtOnce)
    sizes.push(Math.min(rest, packedAtOnce));
  let from = 1;
  const packs = sizes.map((size) => {
    const doubles = Array.from({ length: size }, (_, i) => `s[${from + i}]`);
    from += size;
    return `struct.pack('<${'d'.repeat(size)}', ${doubles.join(', ')})`;
  });
  const [first, ...others] = packs;
  const superseded = plan.seen.map((_, i) => {
    const at = `marks_at - 1 + ${markBytesOf(plan)} * last_${i + 1} + ${4 * (i + 1)}`;
    return `if last_${i + 1} then redis.call('SETRANGE', key, ${at}, NO_MARK) end`;
  });
  const marks = ['sub(id, 1, MARK_BYTES)', ...plan.seen.map((_, i) => `mark_${i + 1}`)].join(' .. ');
  return [
    `${singles} = number + 1`,
    ...needing(plan, header),
    `local extended = s[${expiresAt}] < needed`,
    `if extended then s[${expiresAt}] = floor(needed + view.keep * SLACK) end`,
    `local vector = ${first}`,
    ...others.map((pack, i) => `local rest_${i + 1} = ${pack}`),
    `redis.call('SETRANGE', key, 8, ${['vector', ...others.map((_, i) => `rest_${i + 1}`)].join(' .. ')})`,
    ...superseded,
    `redis.call('SETRANGE', key, marks_end, ${marks})`,
    "redis.call('SETRANGE', key, singles_at + view.single_bytes * number, single)",
    `if extended then redis.call('PEXPIREAT', key, integer(s[${expiresAt}])) end`,
    `return keep_served(call, view, key, at, gone_at, extended, ${told.map((i) => `s[${i}]`).join(', ')})`,
    '  .. vector .. JUST_RECORDED .. sub(single, 1, 8)',
  ];
}
