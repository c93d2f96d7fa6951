import type { View } from '../../src/define/index.ts';
import {
  type Accepted,
  type Correction,
  type Fields,
  type History,
  label,
  retract,
  take,
  type Verdict,
} from '../support/oracle.ts';

/** What is true of one entity of one view. */
export interface Known {
  readonly history: History;
  /** The entity's now, as far as it has shown: under the wall clock it may be later. */
  readonly now: number;
  /** How many labels and retractions were done. */
  readonly corrections: number;
}

/** What must become of something, and what is true then. */
export interface Outcome<V> {
  readonly verdict: V;
  readonly known: Known;
}

const nothing: Known = { history: [], now: Number.NEGATIVE_INFINITY, corrections: 0 };

/** What is true of all entities of some views, whatever has been put together since: the oracle, entity by entity. */
export class Model {
  readonly views: readonly View[];
  readonly #known: ReadonlyMap<View, Map<string, Known>>;

  constructor(views: readonly View[], known?: ReadonlyMap<View, Map<string, Known>>) {
    this.views = views;
    this.#known = new Map(views.map((view) => [view, new Map(known?.get(view))]));
  }

  /** One that goes on from here by itself. */
  copy(): Model {
    return new Model(this.views, this.#known);
  }

  /** Takes over what another one knows. */
  become(other: Model): void {
    for (const [view, known] of this.#known) for (const id of other.ids(view)) known.set(id, other.of(view, id));
  }

  of(view: View, id: string): Known {
    return this.#known.get(view)?.get(id) ?? nothing;
  }

  set(view: View, id: string, known: Known): void {
    this.#known.get(view)?.set(id, known);
  }

  /** The entities of which a view has something. */
  ids(view: View): string[] {
    return [...(this.#known.get(view)?.keys() ?? [])];
  }

  /** Of an entity of that id, nothing is known any more. */
  forget(id: string): void {
    for (const of of this.#known.values()) of.delete(id);
  }

  /** Every event of an id that an entity's view has taken in; mostly there is one, at most. */
  namesakes(view: View, fields: Fields): Accepted[] {
    const { id } = view.event;
    return this.of(view, String(fields[view.by])).history.filter((one) => one.fields[id] === fields[id]);
  }

  take(view: View, fields: Fields, now: number, store: number): Outcome<Verdict> {
    const known = this.of(view, String(fields[view.by]));
    const { verdict, history } = take(view, known.history, fields, now, store);
    return { verdict, known: verdict === 'RECORDED' ? { ...known, history, now } : known };
  }

  /** As `take`, but its id is forgotten. */
  takeAgain(view: View, fields: Fields, now: number, store: number): Outcome<Verdict> {
    const known = this.of(view, String(fields[view.by]));
    const others = known.history.filter((one) => one.fields[view.event.id] !== fields[view.event.id]);
    const { verdict, history } = take(view, others, fields, now, store);
    return { verdict, known: { ...known, history: [...known.history, ...history.slice(others.length)], now } };
  }

  label(view: View, fields: Fields, now: number): Outcome<Correction> {
    return this.#correct(label, view, fields, now);
  }

  /** Of what is told, a view knows no more than what it keeps. */
  retract(view: View, told: Fields, now: number): Outcome<Correction> {
    const { event, by, features } = view;
    const kept = new Set([event.id, event.time, by, ...features.map(({ aggregation }) => aggregation.field)]);
    const fields = Object.fromEntries(Object.entries(told).filter(([name]) => kept.has(name)));
    return this.#correct(retract, view, fields, now);
  }

  #correct(correct: typeof label, view: View, fields: Fields, now: number): Outcome<Correction> {
    const known = this.of(view, String(fields[view.by]));
    const { verdict, history } = correct(view, known.history, fields, now);
    const after = { history, now: Math.max(known.now, now), corrections: known.corrections + 1 };
    return { verdict, known: verdict === 'DONE' ? after : known };
  }
}
