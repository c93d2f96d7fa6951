import { expect } from 'vitest';
import type { View } from '../../src/define/index.ts';
import { type PastVector, servedCertainty, type Vector } from '../../src/engine/index.ts';
import { valuesAt } from '../support/oracle.ts';
import { contradictions, driftsFrom, momentsBefore, outOfBounds, sayingNothing } from './certainty.ts';
import { expectHonestRevision, expectTrue } from './expectations.ts';
import type { Player, Told } from './player.ts';
import type { Scratch } from './scratch.ts';
import { hashIn, hashOf } from './served-hash.ts';

/** Reads all entities of what is played, and holds what is told of them against the model. */
export class Observer {
  readonly #scratch: Scratch;
  readonly #player: Player;
  /** The vector of each log that was seen last. */
  readonly #seen = new Map<string, Vector>();
  /** For each feature of an entity of which only a sample was kept: whether the truth was where it was last said to be. */
  readonly sampled = new Map<string, boolean>();

  constructor(scratch: Scratch, player: Player) {
    this.#scratch = scratch;
    this.#player = player;
  }

  /** What was told by a turn, and what is read after it. */
  async look(told: Told): Promise<void> {
    const { script } = this.#player;
    for (const vector of new Set(told)) this.#expectVector(vector);
    for (const view of script.views) {
      await this.#read(view, (asOf) => [asOf, ...script.backMs.map((ms) => asOf - ms)]);
      await this.#expectForgotten(view);
    }
  }

  /** In the end, every moment that is worth a look; and the hashes, which under the event clock stand still. */
  async lookBack(): Promise<void> {
    const { script, engine, model, clock } = this.#player;
    for (const view of script.views) {
      await this.#read(view, (asOf) => momentsBefore(view, asOf, script.backMs));
      for (const vector of await engine.read(view, clock === 'event' ? model.ids(view) : [])) {
        const { fields } = await hashIn(this.#scratch.valkey, engine, vector);
        // Where time went by and changed nothing, nothing is written.
        expect({ ...fields, _as_of: '' }).toEqual({ ...hashOf(vector), _as_of: '' });
      }
    }
    expect(engine.lostCompanions).toBe(0);
  }

  async #read(view: View, momentsFor: (asOf: number) => number[]): Promise<void> {
    const { engine, model, clock } = this.#player;
    const ids = model.ids(view);
    const asked = clock === 'wall' ? await this.#scratch.now() : Number.NEGATIVE_INFINITY;
    const vectors = await engine.read(view, ids);
    const past = await engine.past(
      view,
      vectors.map(({ id, asOf }) => ({ id, moments: momentsFor(asOf) })),
    );
    for (const [i, vector] of vectors.entries()) {
      expect(vector.validUntil ?? Number.POSITIVE_INFINITY).toBeGreaterThan(asked);
      this.#expectVector(vector);
      const [now, ...others] = past[i] as [PastVector, ...PastVector[]];
      const faults = [...this.#faultsOf(now, vector), ...others.flatMap((then) => this.#faultsOf(then, null))];
      expect(faults).toEqual([]);
      this.#noteSamples(now);
    }
  }

  #expectVector(vector: Vector): void {
    const { view, id, asOf } = vector;
    const { engine, model, clock, isExact } = this.#player;
    const { history, now, corrections } = model.of(view, id);
    if (history.length === 0) return;
    if (isExact) {
      expectTrue(vector, history, corrections);
    } else {
      const lastEventAt = Math.max(...history.map(({ at }) => at));
      expect(vector).toMatchObject({ lastEventAt, eventSeq: history.length + corrections });
      expect(vector.validUntil ?? Number.POSITIVE_INFINITY).toBeGreaterThan(asOf);
    }
    if (clock === 'event') expect(asOf).toBe(now);
    const key = engine.keys.log(view, id);
    expectHonestRevision(this.#seen.get(key) ?? vector, vector);
    this.#seen.set(key, vector);
  }

  /** Of whom nothing is known any more, the revision goes on. */
  async #expectForgotten(view: View): Promise<void> {
    const { engine, model } = this.#player;
    for (const [key, before] of this.#seen) {
      if (before.view !== view || model.ids(view).includes(before.id)) continue;
      const [vector] = (await engine.read(view, [before.id])) as [Vector];
      expect(vector.eventSeq).toBe(0);
      expect(vector.revision).toBeGreaterThan(before.revision);
      this.#seen.delete(key);
    }
  }

  /**
   * What is said of a moment that cannot be, or that must be said and is not.
   * @param served what is served as of that moment; of a past one, nothing.
   */
  #faultsOf(then: PastVector, served: Vector | null): string[] {
    const { model, isExact } = this.#player;
    const { view, id, asOf, now } = then;
    const { history } = model.of(view, id);
    const known = served ? history : history.filter(({ at }) => at <= asOf);
    // A running figure goes by arrival: of the past it knows what was true when the newest event came.
    const isLifetime = view.features.map(({ aggregation: { window } }) => window.kind === 'lifetime');
    const sure = sayingNothing(then, (i, { method }) => method === 'SAMPLED' || (!served && isLifetime[i] === true));
    const unsaid = view.features.flatMap(({ name, aggregation: { kind } }, i) => {
      const { method } = servedCertainty(then, i);
      if (isLifetime[i] || asOf < now - view.historyMs) return [];
      if (isExact) return method === 'EXACT' ? [] : [`${name} is ${method}`];
      return method === 'UNREACHABLE' && kind !== 'distinct' ? [`${name} is ${method}`] : []; // of a sample, no past is kept
    });
    const faults = [
      ...contradictions(sure, valuesAt(view, known, asOf)),
      ...outOfBounds(then, then),
      ...(served ? [...outOfBounds(served, then), ...driftsFrom(served, then)] : []),
      ...unsaid,
    ];
    return faults.map((fault) => `${asOf - now} ms from now: ${fault}`);
  }

  /** Only values whose hashes nobody chose are a fair sample. */
  #noteSamples(now: PastVector): void {
    const { view, id, asOf } = now;
    const { model, script } = this.#player;
    for (const [i, { name, aggregation }] of view.features.entries()) {
      const { method, lower, upper } = servedCertainty(now, i);
      if (method !== 'SAMPLED' || !script.ownFields.includes(aggregation.field ?? '')) continue;
      const truth = Number(valuesAt(view, model.of(view, id).history, asOf)[i]?.oneOf[0]);
      this.sampled.set(`${view.name} ${id} ${name}`, lower <= truth && truth <= upper);
    }
  }
}
