import { effect, signal, untracked } from '@preact/signals';
import { AskError } from '../api/ask.ts';
import { loadCatalogue, type ServedView } from '../api/catalogue.ts';
import { onReconnected, subscribe } from '../api/connection.ts';
import { wantKey } from '../api/credentials.ts';
import { type ShownUpdate, watchDocument } from '../api/documents.ts';
import { outage } from './outage.ts';
import { isSame, pins } from './pins.ts';
import { rangeMs } from './settings.ts';
import { Tracked } from './tracked.ts';

/** What the deployment serves; null until that is known. */
export const catalogue = signal<readonly ServedView[] | null>(null);
/** Why it is not known. */
export const catalogueProblem = signal<string | null>(null);

/** Every view of every pinned entity. */
export const tracked = signal<readonly Tracked[]>([]);

const minIntervalMs = 100; // eyes take no more
const retryMs = 2_000; // 2 seconds

/** Finds out what is served, watches what is pinned, and keeps charts filled. */
export function startWatching(): void {
  void findCatalogue();
  effect(() => {
    const views = catalogue.value;
    const wanted = pins.value;
    if (views) untracked(() => follow(views, wanted));
  });
  effect(() => {
    rangeMs.value;
    untracked(() => fillAll());
  });
  effect(() => {
    const isOut = outage.value !== null;
    untracked(() => {
      if (isOut) for (const each of tracked.peek()) each.lose();
      else fillAll();
    });
  });
  // The API may be another by now, with other features.
  onReconnected(() => void findCatalogue());
}

function fillAll(): void {
  for (const each of tracked.peek()) void each.fillPast();
}

async function findCatalogue(): Promise<void> {
  for (;;) {
    try {
      const found = await loadCatalogue();
      catalogueProblem.value = null;
      if (JSON.stringify(found) !== JSON.stringify(catalogue.peek())) catalogue.value = found;
      return;
    } catch (error) {
      const { message } = error as Error;
      const code = error instanceof AskError ? error.code : null;
      if (code === 'FORBIDDEN') wantKey(message);
      // Another key would be another page.
      if (code === 'FORBIDDEN' || code === 'UNAUTHENTICATED') return;
      catalogueProblem.value = message;
      await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
  }
}

/** What is watched now, by view: a subscription each, with all its entities. */
const subscriptions = new Map<ServedView, { readonly key: string; readonly end: () => void }>();

function follow(views: readonly ServedView[], wanted: typeof pins.value): void {
  const before = tracked.peek();
  // Of an address that somebody has made up, or of a deployment that has changed.
  const unknown = wanted.filter(({ entity }) => !views.some((view) => view.entity === entity));
  if (unknown.length > 0) pins.value = wanted.filter((pin) => !unknown.some((each) => isSame(each, pin)));
  const now = wanted.flatMap(({ entity, id }) =>
    views
      .filter((view) => view.entity === entity)
      .map((view) => before.find((each) => each.view === view && each.id === id) ?? new Tracked(view, id)),
  );
  for (const each of before) if (!now.includes(each)) each.stop();
  tracked.value = now;
  for (const each of now) if (!before.includes(each)) void each.fillPast();
  for (const view of new Set([...subscriptions.keys(), ...views])) {
    const entities = now.filter((each) => each.view === view);
    const key = JSON.stringify(entities.map(({ id }) => id).sort());
    const current = subscriptions.get(view);
    if (current?.key === key) continue;
    current?.end();
    if (entities.length === 0) subscriptions.delete(view);
    else subscriptions.set(view, { key, end: watch(view, entities) });
  }
}

function watch(view: ServedView, entities: readonly Tracked[]): () => void {
  const byId = new Map(entities.map((each) => [each.id, each]));
  const variables = () => ({
    ids: [...byId.keys()],
    minIntervalMs,
    // No snapshot of what is shown already and still so.
    since: entities.flatMap(({ id, revision }) => (revision === null ? [] : [{ id, revision }])),
  });
  return subscribe<{ updates: readonly ShownUpdate[] }>(watchDocument(view), variables, {
    next: ({ data, errors }) => {
      for (const update of data?.updates ?? []) byId.get(update.entity.id)?.take(update);
      for (const { message, path } of errors ?? []) {
        const update = path?.[0] === 'updates' ? data?.updates[Number(path[1])] : undefined;
        const concerned = update ? [byId.get(update.entity.id)] : entities;
        for (const each of concerned) each?.fail(message);
      }
    },
    failed: (message) => {
      for (const each of entities) each.fail(message);
    },
  });
}
