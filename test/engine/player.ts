import { expect } from 'vitest';
import type { View } from '../../src/define/index.ts';
import {
  type Clock,
  type CorrectionOutcome,
  Engine,
  type EventInput,
  type RecordOutcome,
  type Vector,
} from '../../src/engine/index.ts';
import { usesLabel } from '../../src/engine/label-plan.ts';
import { SingleServer } from '../../src/valkey/index.ts';
import { type Fields, isWellFormed } from '../support/oracle.ts';
import type { Fault, Limits, Script, Turn } from '../support/scripts.ts';
import { asRecorded, faulty, isHearsay, retractionOf } from './hearsay.ts';
import { Model } from './model.ts';
import type { Scratch } from './scratch.ts';
import { corrected, type Taken, takenExactly, takenPerhaps } from './verdicts.ts';

/** What a turn came to: the vectors that were told on the way. */
export type Told = readonly Vector[];

const told = (outcomes: readonly RecordOutcome[]): Told => outcomes.flatMap(({ vectors }) => [...vectors.values()]);

/** Plays a script to an engine turn by turn, and keeps a model of what must be true. */
export class Player {
  readonly script: Script;
  readonly clock: Clock;
  readonly model: Model;
  /** Nothing is ever put together or sampled: all that is said must be exactly true. */
  readonly isExact: boolean;
  engine: Engine;
  readonly #scratch: Scratch;
  /** From the script's times to those of the clock. */
  #shiftMs = 0;

  constructor(scratch: Scratch, script: Script, engine: Engine, isExact: boolean) {
    this.#scratch = scratch;
    this.script = script;
    this.clock = engine.clock;
    this.model = new Model(script.views);
    this.isExact = isExact;
    this.engine = engine;
  }

  /** Under the wall clock, moves the script to where its newest event is about to happen. */
  async begin(): Promise<void> {
    if (this.clock === 'wall') this.#shiftMs = (await this.#scratch.now()) + 40 - newestMoment(this.script);
  }

  async play(turn: Turn): Promise<Told> {
    switch (turn.does) {
      case 'record':
        return told(await this.#record(turn.batch.map((fields) => this.#sent(fields))));
      case 'preview':
        return this.#preview(this.#sent(turn.fields));
      case 'label':
        return this.#label(this.#timed(turn.fields));
      case 'retract':
        return this.#retract(this.#timed(turn.fields), turn.fault);
      case 'forget':
        return this.#forget(turn.id);
      case 'wait':
        return this.#wait(turn.ms);
      case 'restart':
        return this.#restart(turn);
    }
  }

  /** An event as it is sent; under the wall clock, some without their time. */
  #sent(fields: Fields): Fields {
    const { time } = this.script.event;
    const isUntimed = this.clock === 'wall' && Number(fields[time]) % 7 === 3;
    return isUntimed ? { ...fields, [time]: undefined } : this.#timed(fields);
  }

  /** An event in the clock's time. */
  #timed(fields: Fields): Fields {
    const { time } = this.script.event;
    return { ...fields, [time]: Number(fields[time]) + this.#shiftMs };
  }

  /**
   * Does something, and follows it in the model. Under the wall clock it was done between two looks at that: as if at one
   * of these, it must fit.
   * @param follow what the result may not be, given the store's now.
   */
  async #do<T>(work: () => Promise<T>, follow: (model: Model, result: T, look: Look) => string[]): Promise<T> {
    const read = () => (this.clock === 'event' ? Number.NEGATIVE_INFINITY : this.#scratch.now());
    const earliest = await read();
    const result = await work();
    const latest = await read();
    const tries = [...new Set([earliest, latest])].map((store) => {
      const model = this.model.copy();
      return { model, faults: follow(model, result, { earliest, latest, store }) };
    });
    const right = tries.find(({ faults }) => faults.length === 0);
    expect(right ? [] : tries[0]?.faults).toEqual([]);
    if (right) this.model.become(right.model);
    return result;
  }

  /** An entity's now when something was done: that of the vector it led to, if it did. */
  #nowOf(view: View, id: string, { earliest, store }: Look, vector: Vector | undefined): number {
    const { now } = this.model.of(view, id);
    if (this.clock === 'event') return now;
    return vector && vector.asOf >= Math.max(now, earliest) ? vector.asOf : Math.max(now, store);
  }

  #record(batch: readonly Fields[]): Promise<RecordOutcome[]> {
    const { event, views } = this.script;
    return this.#do(
      () => this.engine.record(event, batch as EventInput[]),
      (model, outcomes, look) =>
        batch.flatMap((fields, i) => {
          const outcome = outcomes[i] as RecordOutcome;
          if (!isWellFormed(event, fields))
            return outcome.status === 'REJECTED' ? [] : [`${outcome.status}: a bad one`];
          const taken = views.map((view): Taken => {
            const id = String(fields[view.by]);
            const now = this.#nowOf(view, id, look, outcome.vectors.get(view));
            const at = this.clock === 'event' ? Math.max(model.of(view, id).now, Number(fields[event.time])) : now;
            const store = at > look.latest ? look.store : at;
            return { view, id, at, store, ...model.take(view, fields, at, store) };
          });
          const done = this.isExact
            ? takenExactly(outcome, taken)
            : takenPerhaps(model, fields, outcome, taken[0] as Taken);
          for (const { view, id, known } of done ?? []) model.set(view, id, known);
          return done ? [] : [`${fields[event.id]} is ${outcome.status}: ${taken.map(({ verdict }) => verdict)}`];
        }),
    );
  }

  /** A preview must change nothing, and say what recording right after says. Under the wall clock that is a little later. */
  async #preview(fields: Fields): Promise<Told> {
    if (this.clock === 'wall') return told(await this.#record([fields]));
    const { prefix } = this.engine.keys;
    const before = await this.#scratch.stored(prefix);
    const preview = await this.engine.preview(this.script.event, fields as EventInput);
    expect(await this.#scratch.stored(prefix)).toEqual(before);
    const outcomes = await this.#record([fields]);
    // How a sample is to be thinned is found out when it is.
    const isSure = ({ view: { features } }: Vector) =>
      this.isExact || features.every(({ aggregation }) => aggregation.kind !== 'distinct');
    const shown = ({ status, reason, vectors }: RecordOutcome) => {
      const values = [...vectors.values()].filter(isSure).map((vector) => [vector.view.name, [...vector.values]]);
      return { status, reason, values };
    };
    expect([preview].map(shown)).toEqual(outcomes.map(shown));
    return told(outcomes);
  }

  async #label(fields: Fields): Promise<Told> {
    const { event, views } = this.script;
    const said = asRecorded(this.model, this.script, fields);
    if (!this.isExact && isHearsay(this.model, this.script, 'label', said)) return [];
    const { vectors, views: concerned } = await this.#correct('label', said, () =>
      this.engine.label(event, said as EventInput),
    );
    expect(concerned.map(({ view }) => view.name)).toEqual(views.filter(usesLabel).map(({ name }) => name));
    return [...vectors.values()];
  }

  async #retract(fields: Fields, fault: Fault): Promise<Told> {
    const { event } = this.script;
    const { confirm, told: truth } = retractionOf(this.script, asRecorded(this.model, this.script, fields));
    const said = faulty(this.script, confirm, truth, fault);
    if (!this.isExact && isHearsay(this.model, this.script, 'retract', said)) return [];
    const { vectors } = await this.#correct('retract', said, () =>
      this.engine.retract(event, confirm, said as EventInput),
    );
    return [...vectors.values()];
  }

  #correct(correction: 'label' | 'retract', said: Fields, work: () => Promise<CorrectionOutcome<string>>) {
    return this.#do(work, (model, { views, vectors }, look) => {
      const found = views.map((one) => {
        const id = String(said[one.view.by]);
        const now = this.#nowOf(one.view, id, look, vectors.get(one.view));
        return { ...one, id, before: model.of(one.view, id), ...model[correction](one.view, said, now) };
      });
      const isHeldBack = found.some(({ status, verdict }) => status === 'MISMATCH' && verdict === 'MISMATCH');
      return found.flatMap((one) => {
        const { view, id, status, reason, verdict } = one;
        const after = corrected(correction, { ...one, isHeldBack }, this.isExact);
        if (after && after !== one.before) model.set(view, id, after);
        return after
          ? []
          : [`${correction} of ${said[view.event.id]} in ${view.name} is ${status} (${reason}): ${verdict}`];
      });
    });
  }

  async #forget(id: string): Promise<Told> {
    const [view] = this.script.views as [View];
    expect(await this.engine.forget(view.entity, id)).toMatchObject({ status: 'FORGOTTEN' });
    this.model.forget(id);
    return [];
  }

  /** Lets the entities' own clocks be ahead by so much. */
  async #wait(ms: number): Promise<Told> {
    const store = this.clock === 'wall' ? await this.#scratch.now() : 0;
    for (const view of this.script.views) {
      for (const id of this.model.ids(view)) {
        const known = this.model.of(view, id);
        const now = Math.max(known.now, store) + ms;
        await this.#scratch.setHeader(this.engine.keys.log(view, id), 'asOf', now);
        this.model.set(view, id, { ...known, now });
      }
    }
    return [];
  }

  async #restart({ limits, after }: Extract<Turn, { does: 'restart' }>): Promise<Told> {
    expect(this.engine.lostCompanions).toBe(0);
    if (after !== 'end') await this.#scratch.unload(this.script.views);
    if (after === 'reload') await this.#scratch.reload(this.engine.keys.prefix);
    if (after !== 'flush') this.engine = await this.open(limits, this.engine.keys.prefix);
    return [];
  }

  /** An engine of the script's views. */
  open(limits: Limits, keyPrefix: string): Promise<Engine> {
    const { valkey } = this.#scratch;
    return Engine.open({
      servers: new SingleServer(valkey),
      views: this.script.views,
      clock: this.clock,
      keyPrefix,
      ...limits,
    });
  }
}

/** The store's clock: two looks at it, and what it is taken to have shown. */
interface Look {
  readonly earliest: number;
  readonly latest: number;
  readonly store: number;
}

/** The newest event of a script, as if time had not gone by without one. */
function newestMoment({ event, turns }: Script): number {
  let [waitedMs, newest] = [0, Number.NEGATIVE_INFINITY];
  for (const turn of turns) {
    if (turn.does === 'wait') waitedMs += turn.ms;
    const events = turn.does === 'record' ? turn.batch : turn.does === 'preview' ? [turn.fields] : [];
    newest = Math.max(newest, ...events.map((fields) => Number(fields[event.time]) - waitedMs));
  }
  return Number.isFinite(newest) ? newest : 0;
}
