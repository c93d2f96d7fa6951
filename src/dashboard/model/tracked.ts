import { batch, type Signal, signal } from '@preact/signals';
import { ask } from '../api/ask.ts';
import type { Feature, ServedView } from '../api/catalogue.ts';
import { type FeatureValue, pastDocument, type ShownUpdate, type ShownVector } from '../api/documents.ts';
import { hear, storeNow } from './clock.ts';
import { rangeMs } from './settings.ts';
import { type Point, Trace } from './trace.ts';

/** The newest that is known of a pinned entity. */
export interface Shown {
  readonly vector: ShownVector;
  readonly cause: ShownUpdate['cause'];
}

const pastMoments = 150; // a call takes 200
const historyMs = 24 * 3_600_000;
const fillAgainMs = 5_000; // 5 seconds

/** A pinned entity: its values, what became of them, and why there are none. */
export class Tracked {
  readonly view: ServedView;
  readonly id: string;
  readonly charted: readonly Feature[];
  readonly trace = new Trace();
  readonly shown: Signal<Shown | null> = signal(null);
  readonly problem: Signal<string | null> = signal(null);
  /** Goes up whenever there is something else to draw. */
  readonly drawing = signal(0);
  /** Why the past could not be had. */
  readonly pastProblem: Signal<string | null> = signal(null);
  #filling: AbortController | null = null;
  #fillAgain: ReturnType<typeof setTimeout> | undefined;

  constructor(view: ServedView, id: string) {
    this.view = view;
    this.id = id;
    this.charted = view.features.filter(({ type }) => type === 'Int' || type === 'Float');
  }

  /** What is shown, if that is known to be what was served last. */
  get revision(): string | null {
    return this.problem.peek() === null ? (this.shown.peek()?.vector.freshness.revision ?? null) : null;
  }

  take({ cause, entity }: ShownUpdate): void {
    const vector = entity.view;
    if (!vector) return;
    const asOf = Date.parse(vector.freshness.asOf);
    if (cause !== 'SNAPSHOT') hear('store', asOf);
    batch(() => {
      this.problem.value = null;
      this.shown.value = { vector, cause };
      // A snapshot may be of long ago, and is what holds now.
      const at = cause === 'SNAPSHOT' ? storeNow() : asOf;
      this.trace.add({ at, values: this.#numbers(vector) }, rangeMs.peek());
      this.#redraw();
    });
    // What happened meanwhile was not heard of; the past knows it.
    if (cause === 'RESYNC') void this.fillPast();
  }

  fail(message: string): void {
    this.problem.value = message;
  }

  /** From now on nothing is known. */
  lose(): void {
    this.trace.lose(storeNow(), rangeMs.peek());
    this.#redraw();
  }

  /** Fills the charts from the past, as far as their range goes. */
  async fillPast(): Promise<void> {
    const document = pastDocument(this.view);
    if (!document) return;
    this.stop();
    const filling = new AbortController();
    this.#filling = filling;
    const now = storeNow();
    const reach = Math.min(rangeMs.peek(), historyMs, 1_000 * this.view.historySeconds - 1_000);
    const stepMs = reach / pastMoments;
    const moments = Array.from({ length: pastMoments + 1 }, (_, i) => Math.round(now - reach + i * stepMs));
    try {
      const at = moments.map((ms) => new Date(ms).toISOString());
      const { data } = await ask<PastData, { id: string; at: string[] }>(document, { id: this.id, at }, filling.signal);
      if (filling.signal.aborted) return;
      const past = data.entity.series.map(
        (vector, i): Point => ({ at: moments[i] as number, values: vector && this.#numbers(vector) }),
      );
      batch(() => {
        this.trace.fill(past);
        this.pastProblem.value = null;
        this.#redraw();
      });
    } catch (error) {
      if (filling.signal.aborted) return;
      this.pastProblem.value = (error as Error).message;
      this.#fillAgain = setTimeout(() => void this.fillPast(), fillAgainMs);
    }
  }

  /** Asks nothing more of the past. */
  stop(): void {
    clearTimeout(this.#fillAgain);
    this.#filling?.abort();
  }

  #redraw(): void {
    this.drawing.value = this.drawing.peek() + 1;
  }

  #numbers(vector: ShownVector): (number | null)[] {
    return this.charted.map(({ name }) => {
      const value = vector[name] as FeatureValue;
      return typeof value === 'number' ? value : null;
    });
  }
}

interface PastData {
  readonly entity: { readonly series: readonly (ShownVector | null)[] };
}
