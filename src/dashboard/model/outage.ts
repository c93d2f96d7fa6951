import { computed, effect, signal } from '@preact/signals';
import { connection } from '../api/connection.ts';
import { activity } from './activity.ts';

/** Why what is shown may no longer hold. */
export type Outage =
  /** The page hears nothing of the API. */
  | { readonly kind: 'connection'; readonly since: number }
  /** The API hears nothing of its store. */
  | { readonly kind: 'store'; readonly since: number; readonly problem: string };

const storeAway = computed(() => activity.value.at(-1)?.sample?.storeProblem ?? null);

/** Null while what is shown is known to be so; `since` is by the browser's clock. */
export const outage = signal<Outage | null>(null);

effect(() => {
  const { value: connected } = connection;
  const problem = storeAway.value;
  const before = outage.peek();
  if (connected.state === 'lost') outage.value = { kind: 'connection', since: before?.since ?? connected.since };
  else if (problem !== null) outage.value = { kind: 'store', since: before?.since ?? Date.now(), problem };
  else if (connected.state === 'live') outage.value = null;
});
