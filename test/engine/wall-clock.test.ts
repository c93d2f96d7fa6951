import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Event, View } from '../../src/define/index.ts';
import type { Engine, RecordOutcome, Vector } from '../../src/engine/index.ts';
import { eventDefinition, viewOf } from '../support/arbitraries.ts';
import { type Fields, type History, span, take } from '../support/oracle.ts';
import { holdsFor, patienceMs } from '../support/property.ts';
import { edgesOf, fieldsOf } from '../support/streams.ts';
import { expectHonestRevision, expectTrue } from './expectations.ts';
import { useScratch } from './scratch.ts';

const scratch = useScratch();

/** An event, and how long before its arrival it happened: some milliseconds before it would cross an edge, or whenever. */
interface Aged {
  readonly fields: Fields;
  readonly ageMs: number;
}

const aged = eventDefinition.chain((event) =>
  viewOf(event).chain((view) => {
    const ages = fc.oneof(
      fc.constant(0),
      fc.tuple(fc.constantFrom(...edgesOf([view])), fc.integer({ min: 0, max: 40 })).map(([edge, ms]) => edge - ms),
      fc.integer({ min: 0, max: span(view) }),
      fc.integer({ min: -4_000, max: 2 * span(view) }),
    );
    const events = fc.array(fc.record<Aged>({ fields: fieldsOf(event), ageMs: ages }), { minLength: 1, maxLength: 25 });
    return events.map((list) => ({ event, view, events: list }));
  }),
);

/** Follows one view of one engine, and holds the oracle against all that it says. */
class Observer {
  readonly #engine: Engine;
  readonly #view: View;
  readonly #histories = new Map<string, History>();
  readonly #seen = new Map<string, Vector>();

  constructor(engine: Engine, view: View) {
    this.#engine = engine;
    this.#view = view;
  }

  /** Records an event; it arrives at some moment between two looks at the clock, which its vector tells. */
  async record(event: Event, fields: Fields): Promise<void> {
    const earliest = await scratch.now();
    const [outcome] = await this.#engine.record(event, [fields]);
    const vector = outcome?.vectors.get(this.#view);
    if (!outcome || !vector) throw new Error(`no vector came back: ${outcome?.reason}`);
    this.#follow(fields, outcome, vector, earliest, await scratch.now());
    this.#check(vector);
  }

  #follow(fields: Fields, { status }: RecordOutcome, { asOf, id }: Vector, earliest: number, latest: number): void {
    const before = this.#histories.get(id) ?? [];
    if (status !== 'RECORDED') {
      expect(take(this.#view, before, fields, latest).verdict).toBe(status);
      return;
    }
    expect(asOf).toBeGreaterThanOrEqual(earliest);
    expect(asOf).toBeLessThanOrEqual(latest);
    const { verdict, history } = take(this.#view, before, fields, asOf);
    expect(verdict).toBe('RECORDED');
    this.#histories.set(id, history);
  }

  /** Reads all entities; none of the vectors may be of a moment at which it was no longer true. */
  async read(): Promise<void> {
    const asked = await scratch.now();
    for (const vector of await this.#engine.read(this.#view, [...this.#histories.keys()])) {
      expect(vector.validUntil ?? Number.POSITIVE_INFINITY).toBeGreaterThan(asked);
      this.#check(vector);
    }
  }

  #check(vector: Vector): void {
    if (vector.eventSeq === 0) return;
    expectTrue(vector, this.#histories.get(vector.id) ?? []);
    expectHonestRevision(this.#seen.get(vector.id) ?? vector, vector);
    this.#seen.set(vector.id, vector);
  }
}

describe('under the wall clock', { timeout: patienceMs }, () => {
  test('every vector says of its own moment what the oracle says, while time goes by', async () => {
    await holdsFor(aged, 60, async ({ event, view, events }) => {
      await scratch.lend([view], 'wall', async (engine) => {
        const observer = new Observer(engine, view);
        for (const [i, { fields, ageMs }] of events.entries()) {
          const time = (await scratch.now()) - ageMs;
          await observer.record(event, { ...fields, [event.id]: `${i}`, [event.time]: i % 7 === 3 ? undefined : time });
          await observer.read();
        }
      });
    });
  });
});
