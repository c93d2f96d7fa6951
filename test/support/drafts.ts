/** Drafts of what happens in a script, before it is known what came before; and spelling them out, one after the other. */

import fc from 'fast-check';
import type { Event, View } from '../../src/define/index.ts';
import { beginning } from './arbitraries.ts';
import type { Fields } from './oracle.ts';
import type { Fault, Limits, Turn } from './scripts.ts';
import { edgesOf, fieldsOf, following, type Step, stepOf } from './streams.ts';

/** Which event is meant: counted from the newest; or, below zero, from the one that was corrected last. */
type Nth = number;

/** What is to happen, in one turn or in several. */
export type Draft =
  | { readonly does: 'record'; readonly steps: readonly Step[]; readonly order: readonly number[] }
  | { readonly does: 'crowd'; readonly nth: Nth; readonly apartMs: number; readonly fields: readonly Fields[] }
  /** Time goes by until an event is about to cross an edge, or has just done so. */
  | { readonly does: 'brink'; readonly nth: Nth; readonly ageMs: number }
  | { readonly does: 'again'; readonly nth: Nth; readonly count: number }
  | { readonly does: 'reuse'; readonly nth: Nth; readonly deltaMs: number }
  | { readonly does: 'preview'; readonly step: Step }
  | { readonly does: 'label'; readonly nth: Nth; readonly given: readonly boolean[]; readonly isKnown: boolean }
  | { readonly does: 'retract'; readonly nth: Nth; readonly fault: Fault; readonly isRetried: boolean }
  | Extract<Turn, { does: 'forget' | 'wait' | 'restart' }>;

type DraftOf<D extends Draft['does']> = Extract<Draft, { does: D }>;

type Parts<T> = { readonly [K in keyof T]: fc.Arbitrary<T[K]> };

/** A draft for views of an event, at the pace of a window of this length, and for engines with such room. */
export function draft(
  of: Event,
  views: readonly View[],
  paceMs: number,
  room: fc.Arbitrary<Limits>,
): fc.Arbitrary<Draft> {
  const fineMs = Math.ceil(paceMs / 100); // about as wide as a tile
  const step = fc.oneof(stepOf(of, views, paceMs), stepOf(of, views, fineMs));
  const nth = fc.oneof(fc.nat(3), fc.nat(10), fc.nat(80), fc.integer({ min: -8, max: -1 }));
  const edge = fc.constantFrom(...edgesOf(views));
  const off = fc.oneof(fc.integer({ min: -1, max: 1 }), fc.integer({ min: -fineMs, max: fineMs }));
  const apartMs = fc.oneof(
    fc.constantFrom(0, 1),
    fc.integer({ min: -fineMs, max: fineMs }),
    fc.integer({ min: -Math.ceil(paceMs / 8), max: Math.ceil(paceMs / 8) }),
  );
  const order = fc.option(fc.array(fc.nat(100), { minLength: 8, maxLength: 8 }), { nil: [] });
  const fault = fc.constantFrom<Fault>('nothing', 'nothing', 'nothing', 'nothing', 'id', 'time', 'number', 'entity');
  const after = fc.constantFrom<DraftOf<'restart'>['after']>('end', 'flush', 'reload');
  const drafts = <D extends Draft['does']>(weight: number, does: D, rest: Parts<Omit<DraftOf<D>, 'does'>>) => ({
    weight,
    arbitrary: fc.record({ does: fc.constant(does), ...rest }) as unknown as fc.Arbitrary<Draft>,
  });
  return fc.oneof(
    drafts(7, 'record', { steps: fc.array(step, { minLength: 1, maxLength: 8 }), order }),
    drafts(3, 'crowd', { nth: fc.nat(80), apartMs, fields: fc.array(fieldsOf(of), { minLength: 1, maxLength: 10 }) }),
    drafts(2, 'brink', { nth: fc.nat(40), ageMs: fc.tuple(edge, off).map(([age, ms]) => age + ms) }),
    drafts(2, 'again', { nth, count: fc.integer({ min: 1, max: 8 }) }),
    drafts(1, 'reuse', { nth, deltaMs: fc.constantFrom(0, 1) }),
    drafts(1, 'preview', { step }),
    drafts(5, 'label', {
      nth,
      given: fc.array(fc.boolean(), { minLength: 1, maxLength: 3 }),
      isKnown: fc.constantFrom(true, true, true, true, false),
    }),
    drafts(5, 'retract', { nth, fault, isRetried: fc.boolean() }),
    drafts(1, 'forget', { id: fc.constantFrom('a', '{b}%', 'm', '商店') }),
    drafts(1, 'wait', { ms: fc.integer({ min: 1, max: paceMs }) }),
    drafts(2, 'restart', { limits: room, after }),
  );
}

/** Spells drafts out. `own` gives an event that is its place among all of them the values that it is to have. */
export function spelledOut(
  of: Event,
  drafts: readonly Draft[],
  own: (fields: Fields, place: number) => Fields,
): readonly Turn[] {
  const stream: Fields[] = [];
  const corrected: Fields[] = [];
  let now = beginning;

  const add = (fields: Fields): Fields => {
    stream.push(fields);
    now = Math.max(now, Number(fields[of.time]));
    return fields;
  };
  const addAt = (time: number, fields: Fields) =>
    add({ ...own(fields, stream.length), [of.id]: `{${stream.length}}%`, [of.time]: time });
  const follow = (step: Step) => add(following(of, stream, { ...step, fields: own(step.fields, stream.length) }, now));
  const the = (nth: Nth): Fields => {
    const among = nth < 0 && corrected.length > 0 ? corrected : stream;
    return among[among.length - 1 - (Math.abs(nth) % among.length)] as Fields;
  };
  const wait = (ms: number): Turn[] => {
    now += ms;
    return [{ does: 'wait', ms }];
  };

  const turns = (draft: Draft): readonly Turn[] => {
    const fields = 'nth' in draft ? the(draft.nth) : {};
    switch (draft.does) {
      case 'record':
        return [{ does: 'record', batch: inOrder(draft.steps.map(follow), draft.order) }];
      case 'crowd': {
        const since = Number(fields[of.time]);
        return [{ does: 'record', batch: draft.fields.map((one, i) => addAt(since + i * draft.apartMs, one)) }];
      }
      case 'brink': {
        const ms = Number(fields[of.time]) + draft.ageMs - now;
        return ms > 0 ? wait(ms) : [];
      }
      case 'again':
        return [{ does: 'record', batch: Array.from({ length: draft.count }, (_, i) => the(draft.nth + i)) }];
      case 'reuse':
        return [{ does: 'record', batch: [add({ ...fields, [of.time]: now + draft.deltaMs })] }];
      case 'preview':
        return [{ does: 'preview', fields: follow(draft.step) }];
      case 'label': {
        corrected.push(fields);
        const known = draft.isKnown ? fields : { ...fields, [of.id]: 'nobody' };
        return draft.given.map((given) => ({ does: 'label', fields: { ...known, [labelField(of)]: given } }));
      }
      case 'retract': {
        corrected.push(fields);
        const retraction: Turn = { does: 'retract', fields, fault: draft.fault };
        return draft.isRetried ? [retraction, { does: 'record', batch: [fields] }] : [retraction];
      }
      case 'wait':
        return wait(draft.ms);
      case 'forget':
      case 'restart':
        return [draft];
    }
  };
  const isOfNothing = (draft: Draft) => 'nth' in draft && (stream.length === 0 || the(draft.nth)[of.id] === '');
  return drafts.flatMap((draft) => (isOfNothing(draft) ? [] : turns(draft)));
}

/** A batch as it arrives: by these numbers, one an event; or as it is. */
function inOrder(batch: readonly Fields[], order: readonly number[]): Fields[] {
  const placed = batch.map((fields, i) => ({ fields, place: order[i] ?? 0 }));
  return placed.sort((a, b) => a.place - b.place).map(({ fields }) => fields);
}

/** The field that may come to be known late. */
function labelField(of: Event): string {
  return Object.keys(of.fields).find((name) => of.fields[name]?.label) as string;
}
