import { formatMoment } from '../model/format.ts';
import { outage } from '../model/outage.ts';
import { catalogueProblem, tracked } from '../model/watching.ts';

/** What keeps numbers from being live, and what to do about it. */
export function Troubles() {
  const { value } = outage;
  const shown =
    tracked.value.length > 0
      ? 'The numbers below are as they were then, and the charts have a gap until it is over. '
      : '';
  if (value?.kind === 'connection') {
    return (
      <Trouble title={`Not connected since ${formatMoment(value.since)}`}>
        {shown}
        The page goes on trying; if it stays so, see that the API is running (<code>npm start</code>).
      </Trouble>
    );
  }
  if (value?.kind === 'store') {
    return (
      <Trouble title={`The API cannot hear its store since ${formatMoment(value.since)}`}>
        {shown}
        It says: {value.problem}. <a href="./readyz">/readyz</a> says more.
      </Trouble>
    );
  }
  if (catalogueProblem.value !== null) {
    return (
      <Trouble title="What there is to watch is not known yet">
        {catalogueProblem.value}. The page goes on asking; <a href="./readyz">/readyz</a> says more.
      </Trouble>
    );
  }
  return null;
}

function Trouble({ title, children }: { title: string; children: preact.ComponentChildren }) {
  return (
    <section class="trouble" role="alert">
      <h2>{title}</h2>
      <p>{children}</p>
    </section>
  );
}
