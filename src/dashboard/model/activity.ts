import { signal } from '@preact/signals';
import { print } from 'graphql';
import { ServerActivityDocument, type ServerActivitySubscription } from '../../../schema/operations/generated.ts';
import { subscribe } from '../api/connection.ts';

export type ServerActivity = ServerActivitySubscription['serverActivity'];

const kept = 120; // two minutes

/** What the API does, a sample a second, newest last; the last two minutes. */
export const activity = signal<readonly ServerActivity[]>([]);

export function startActivity(): void {
  subscribe<ServerActivitySubscription>(print(ServerActivityDocument), () => ({}), {
    next: ({ data }) => {
      if (data) activity.value = [...activity.peek(), data.serverActivity].slice(-kept);
    },
    failed: () => {
      activity.value = [];
    },
  });
}
