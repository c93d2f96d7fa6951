import { effect, signal } from '@preact/signals';
import { ask } from '../api/ask.ts';
import { connection } from '../api/connection.ts';

/** Whether GraphiQL is served, and would be told what there is to ask; false until that is known. */
export const graphiqlServed = signal(false);

/** Finds it out by what GraphiQL asks itself: one setting is of both, and the page itself has 9 MB. */
export function startLookingForGraphiql(): void {
  effect(() => {
    if (connection.value.state !== 'live') return;
    const show = (isServed: boolean) => () => {
      graphiqlServed.value = isServed;
    };
    ask('{ __type(name: "Query") { name } }').then(show(true), show(false));
  });
}
