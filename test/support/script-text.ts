import { beginning } from './arbitraries.ts';
import type { Script } from './scripts.ts';

/** A script as a failure prints it: line by line, with times from its beginning. */
export function printed({ event, views, limits, turns, backMs }: Script): string {
  const fields = Object.entries(event.fields).map(
    ([name, { type, optional }]) => `${name}${optional ? '?' : ''} ${type}`,
  );
  const asked = views.flatMap(({ name, by, historyMs, features }) => [
    `view ${name} by ${by}, history of ${historyMs} ms`,
    ...features.map(({ name, aggregation: { kind: _, ...rest } }) => `  ${name} ${JSON.stringify(rest)}`),
  ]);
  const since = (key: string, value: unknown) => (key === event.time ? Number(value) - beginning : value);
  const done = turns.map(({ does, ...rest }) => `${does} ${JSON.stringify(rest, since)}`);
  const room = `begins with ${JSON.stringify(limits)}, looks back ${JSON.stringify(backMs)} ms`;
  return `\n${[fields.join(', '), ...asked, room, ...done].join('\n')}\n`;
}
