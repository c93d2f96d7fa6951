import type { View } from '../define/index.ts';
import { type Span, together, traced, tracer } from '../measure/index.ts';
import { crowdedReason } from '../valkey/index.ts';
import { UnavailableError } from './outcome.ts';
import type { VectorBatch } from './vector-batch.ts';

/** So many vectors may be waited for: more are asked for of a store that does not answer. */
const mostUnderWay = 50_000;

/** A call for more would keep others waiting for longer than that they share it saves. */
const mostTogether = 512;

/** Vectors that somebody asked for, in the order asked: some of those that a call brought. */
export class VectorReading {
  readonly batch: VectorBatch;
  /** Where each stands in the batch; repeats of an id share one place. */
  readonly places: readonly number[];

  constructor(batch: VectorBatch, places: readonly number[]) {
    this.batch = batch;
    this.places = places;
  }
}

/**
 * Reads of one view that are wanted in the same turn of the event loop, whoever wants them: one call to the store, in which each id is
 * asked for once. What is under way already is not joined: it may have been read before an event of which whoever asks now has been told.
 */
export class SharedReads {
  readonly #read: (ids: readonly string[]) => Promise<VectorBatch>;
  #next: NextCall | null = null;
  #underWay = 0;

  constructor(read: (ids: readonly string[]) => Promise<VectorBatch>) {
    this.#read = read;
  }

  /** @throws UnavailableError */
  async take(ids: readonly string[]): Promise<VectorReading> {
    if (this.#underWay > mostUnderWay) throw new UnavailableError(crowdedReason);
    let call = this.#next;
    if (!call || call.ids.length + ids.length > mostTogether) {
      call = new NextCall();
      this.#next = call;
      setImmediate(this.#send, call);
    }
    this.#underWay += ids.length;
    const places = call.add(ids);
    const span = tracer.current?.current();
    if (span) call.spans = [...(call.spans ?? []), span];
    return new VectorReading(await call.batch.promise, places);
  }

  readonly #send = (call: NextCall): void => {
    if (this.#next === call) this.#next = null;
    this.#readTogether(call).then(
      (batch) => {
        this.#underWay -= call.asked;
        call.batch.resolve(batch);
      },
      (error: unknown) => {
        this.#underWay -= call.asked;
        call.batch.reject(error);
      },
    );
  };

  #readTogether({ ids, spans }: NextCall): Promise<VectorBatch> {
    if (spans === null) return this.#read(ids);
    const facts = () => ({ 'freshet.vectors': ids.length, 'freshet.reads': spans.length });
    return traced('engine.read together', facts, () => this.#read(ids), together(spans));
  }
}

class NextCall {
  readonly ids: string[] = [];
  /** How many were asked for, repeats among them. */
  asked = 0;
  /** Of those who read, where that is traced. */
  spans: Span[] | null = null;
  readonly batch = Promise.withResolvers<VectorBatch>();
  readonly #places = new Map<string, number>();

  add(ids: readonly string[]): number[] {
    this.asked += ids.length;
    return ids.map((id) => {
      const known = this.#places.get(id);
      if (known !== undefined) return known;
      this.#places.set(id, this.ids.length);
      return this.ids.push(id) - 1;
    });
  }
}

/** The shared reads of each view. */
export class SharedReadsOfViews {
  readonly #ofViews = new Map<View, SharedReads>();
  readonly #read: (view: View, ids: readonly string[]) => Promise<VectorBatch>;

  constructor(read: (view: View, ids: readonly string[]) => Promise<VectorBatch>) {
    this.#read = read;
  }

  of(view: View): SharedReads {
    const known = this.#ofViews.get(view);
    if (known) return known;
    const reads = new SharedReads((ids) => this.#read(view, ids));
    this.#ofViews.set(view, reads);
    return reads;
  }
}
