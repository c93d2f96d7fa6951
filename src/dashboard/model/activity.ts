import { effect, signal } from '@preact/signals';
import { print } from 'graphql';
import { ServerActivityDocument, type ServerActivitySubscription } from '../../../schema/operations/generated.ts';
import { connection, subscribe } from '../api/connection.ts';
import { storeNow } from './clock.ts';

export type ServerActivity = ServerActivitySubscription['serverActivity'];

/** What the API did up to a moment, in milliseconds by the store's clock; null from when on nothing is known. */
export interface Sampled {
  readonly at: number;
  readonly sample: ServerActivity | null;
}

const kept = 150; // two minutes and a half

/** What the API does, a sample a second, newest last. */
export const activity = signal<readonly Sampled[]>([]);

/** Whether what the API does is not for whoever looks at the page. */
export const activityWithheld = signal(false);

export function startActivity(): void {
  subscribe<ServerActivitySubscription>(print(ServerActivityDocument), () => ({}), {
    next: ({ data }) => {
      activityWithheld.value = false;
      if (data) add(data.serverActivity);
    },
    failed: (_, isForbidden) => {
      activityWithheld.value = isForbidden;
      add(null);
    },
  });
  effect(() => {
    if (connection.value.state === 'lost') add(null);
  });
}

function add(sample: ServerActivity | null): void {
  const before = activity.peek();
  if (sample === null && !before.at(-1)?.sample) return;
  activity.value = [...before, { at: storeNow(), sample }].slice(-kept);
}
