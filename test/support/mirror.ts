import type { View } from '../../src/define/index.ts';
import { combine, eventClock, type Fields, type History, isWellFormed, take, type Verdict } from './oracle.ts';

/** What views must hold of their entities under the event clock: feeds the oracle what the engine is fed. */
export class Mirror {
  readonly #histories: ReadonlyMap<View, Map<string, History>>;

  constructor(views: readonly View[]) {
    this.#histories = new Map(views.map((view) => [view, new Map()]));
  }

  /** Takes an event into each view. */
  take(fields: Fields): Verdict {
    return combine([...this.#histories.keys()].map((view) => this.#takeInto(view, fields)));
  }

  #takeInto(view: View, fields: Fields): Verdict {
    if (!isWellFormed(view.event, fields)) return 'REJECTED';
    const id = String(fields[view.by]);
    const before = this.history(view, id);
    const { verdict, history } = take(view, before, fields, eventClock(view, before, fields));
    this.#histories.get(view)?.set(id, history);
    return verdict;
  }

  history(view: View, id: string): History {
    return this.#histories.get(view)?.get(id) ?? [];
  }

  /** A mirror of a view that goes on from what this one knows of its younger self. */
  grown(younger: View, older: View): Mirror {
    const mirror = new Mirror([older]);
    for (const [id, history] of this.#histories.get(younger) ?? []) mirror.#histories.get(older)?.set(id, history);
    return mirror;
  }

  /** Ids of all entities that the view has heard of. */
  ids(view: View): string[] {
    return [...(this.#histories.get(view)?.keys() ?? [])];
  }
}
