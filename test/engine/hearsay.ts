import type { Fields } from '../support/oracle.ts';
import type { Fault, Script } from '../support/scripts.ts';
import type { Model } from './model.ts';
import { horizonMs } from './verdicts.ts';

/** However slow a machine is: between two looks at its clock, no more time goes by. */
const slowMs = 60_000;

/** What is told of an event later on: at the time at which it was recorded, if it was. */
export function asRecorded(model: Model, { event, views }: Script, fields: Fields): Fields {
  const [known] = views.flatMap((view) => model.namesakes(view, fields).slice(-1));
  return { ...fields, [event.time]: known?.at ?? fields[event.time] };
}

/** What a retraction tells of an event, and which of it only to be sure: of numbers, one that is kept of every event. */
export function retractionOf({ event, views }: Script, fields: Fields) {
  const aggregated = views.flatMap(({ features }) => features.map(({ aggregation }) => aggregation));
  const kept = new Set(aggregated.flatMap(({ field, where }) => (where ? [] : [field])));
  const numbers = Object.entries(event.fields).flatMap(([name, { type, optional }]) =>
    type === 'number' && !optional && kept.has(name) ? [name] : [],
  );
  const confirm = ['who', 'other', ...numbers.slice(0, 1)];
  return { confirm, told: Object.fromEntries([event.id, event.time, ...confirm].map((name) => [name, fields[name]])) };
}

/** What is told with a fault in it, where there is something to get wrong. */
export function faulty({ event, views }: Script, confirm: readonly string[], told: Fields, fault: Fault): Fields {
  const [, , number] = confirm;
  const other = views[0]?.by === 'who' ? 'other' : 'who';
  switch (fault) {
    case 'nothing':
      return told;
    case 'id':
      return { ...told, [event.id]: 'nobody' };
    case 'time':
      return { ...told, [event.time]: Number(told[event.time]) + 1 };
    case 'entity':
      return { ...told, [other]: `not ${told[other]}` };
    case 'number':
      return number ? { ...told, [number]: told[number] === 1 ? 2 : 1 } : told;
  }
}

/**
 * Whether what is told of an event would have to be taken on the caller's word, though it is not true: it would be among what
 * was put together so long ago that ids are forgotten, as is that it was retracted at another time. Nor does that tell whom
 * else an event was about, or that the store chose its time.
 */
export function isHearsay(
  model: Model,
  { event, views }: Script,
  correction: 'label' | 'retract',
  told: Fields,
): boolean {
  return views.some((view) => {
    const { now } = model.of(view, String(told[view.by]));
    const { verdict } = model[correction](view, told, now);
    const [known, ...others] = model.namesakes(view, told);
    const isTrue = verdict !== 'NOT_FOUND' && verdict !== 'MISMATCH';
    const isOld = Number(told[event.time]) <= now - horizonMs + slowMs;
    const isOfAnother = known && ['who', 'other'].some((name) => name in told && told[name] !== known.fields[name]);
    const isAtAnother = known && known.at !== told[event.time];
    return others.length > 0 || (isOld && (!isTrue || isAtAnother)) || isOfAnother || (isAtAnother && known.takenAsNow);
  });
}
