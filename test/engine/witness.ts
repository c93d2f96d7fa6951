import { expect } from 'vitest';
import type { View } from '../../src/define/index.ts';
import { type Engine, type PastVector, servedValues, type Vector } from '../../src/engine/index.ts';
import {
  type Correction,
  disagreements,
  eventClock,
  type Fields,
  type History,
  label,
  retract,
  take,
  validUntilAt,
  valuesAt,
} from '../support/oracle.ts';
import { edgesOf } from '../support/streams.ts';
import { contradictions, outOfBounds } from './certainty.ts';

/** What must become of a correction; `done` takes it in. */
export interface Verdict {
  readonly verdict: Correction;
  readonly done: () => void;
}

/** Follows what an engine says it did with the events of a view under the event clock, and knows what must come of it. */
export class Witness {
  readonly view: View;
  readonly #histories = new Map<string, History>();
  readonly #corrections = new Map<string, number>();

  constructor(view: View) {
    this.view = view;
  }

  /** What an event comes to; it is taken in if it was recorded. */
  take(fields: Fields, status: string | undefined): void {
    const before = this.#historyOf(fields);
    const { history } = take(this.view, before, fields, eventClock(this.view, before, fields));
    if (status === 'RECORDED') this.#histories.set(String(fields[this.view.by]), history);
  }

  label(fields: Fields): Verdict {
    return this.#correct(label, fields);
  }

  retract(fields: Fields): Verdict {
    return this.#correct(retract, fields);
  }

  /** Takes out the event of that id, whatever else is told of it. */
  retractAnyway(fields: Fields): void {
    const { id, time } = this.view.event;
    const known = this.#historyOf(fields).find((one) => one.fields[id] === fields[id] && one.retracted === undefined);
    this.retract({ ...known?.fields, [time]: known?.at }).done();
  }

  #correct(correct: typeof label, fields: Fields): Verdict {
    const id = String(fields[this.view.by]);
    const before = this.#historyOf(fields);
    const now = Math.max(...before.map(({ at }) => at));
    const { verdict, history } = correct(this.view, before, fields, now);
    const done = () => {
      this.#histories.set(id, history);
      this.#corrections.set(id, (this.#corrections.get(id) ?? 0) + 1);
    };
    return { verdict, done };
  }

  #historyOf(fields: Fields): History {
    return this.#histories.get(String(fields[this.view.by])) ?? [];
  }

  /** Asserts that every vector is exactly what it must be. */
  async expectTrue(engine: Engine): Promise<void> {
    const { view } = this;
    for (const vector of await engine.read(view, [...this.#histories.keys()])) {
      const history = this.#histories.get(vector.id) ?? [];
      expect(disagreements(view, servedValues(vector), valuesAt(view, history, vector.asOf))).toEqual([]);
      expect(vector).toMatchObject({
        validUntil: validUntilAt(view, history, vector.asOf),
        eventSeq: history.length + (this.#corrections.get(vector.id) ?? 0),
      });
    }
  }

  /** Asserts of logs that are compacted that every value is true, or between what the truth lies, also of past moments. */
  async expectTruthWithin(engine: Engine): Promise<void> {
    const { view } = this;
    for (const [id, history] of this.#histories) {
      const [vector] = (await engine.read(view, [id])) as [Vector];
      const moments = [vector.asOf, ...edgesOf([view]).map((age) => vector.asOf - Math.floor(age / 2))];
      const [[now, ...past] = []] = await engine.past(view, [{ id, moments }]);
      expect(contradictions(now as PastVector, valuesAt(view, history, vector.asOf))).toEqual([]);
      expect(outOfBounds(vector, now as PastVector)).toEqual([]);
      for (const then of past) {
        // A running figure goes by arrival: of the past it knows what was true when the newest event came.
        const certainties = then.certainties.map((one, i) =>
          view.features[i]?.aggregation.window.kind === 'lifetime' ? { ...one, method: 'UNREACHABLE' as const } : one,
        );
        const known = history.filter(({ at }) => at <= then.asOf);
        expect(contradictions({ ...then, certainties }, valuesAt(view, known, then.asOf))).toEqual([]);
      }
    }
  }
}
