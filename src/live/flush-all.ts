import { tracer } from '../measure/index.ts';
import type { Watcher } from './watcher.ts';

/** Lets out what watchers were given: to whoever takes it, that is to make messages of it and to push them. */
export function flushAll(watchers: ReadonlySet<Watcher>): void {
  const flush = () => {
    for (const watcher of watchers) watcher.flush();
  };
  const tracing = watchers.size > 0 ? tracer.current : null;
  if (tracing === null) flush();
  else {
    const span = tracing.begin('live.push');
    span.set('freshet.watchers', watchers.size);
    tracing.within(span, flush);
    span.end();
  }
}
