import { useState } from 'preact/hooks';
import type { FeatureValue } from '../api/documents.ts';
import { second } from '../model/clock.ts';
import { formatAge, formatMoment } from '../model/format.ts';
import { outage } from '../model/outage.ts';
import { removePin } from '../model/pins.ts';
import type { Shown, Tracked } from '../model/tracked.ts';
import { FeatureRow } from './feature-row.tsx';

/** A pinned entity: all features of one of its views. */
export function Card({ tracked }: { tracked: Tracked }) {
  const { view, id } = tracked;
  const [open, setOpen] = useState<string | null>(null);
  const shown = tracked.shown.value;
  const problem = tracked.problem.value;
  const pastProblem = tracked.pastProblem.value;
  const stale = outage.value !== null;
  return (
    <article class={stale ? 'card stale' : 'card'} aria-label={`${view.entity} ${id}`}>
      <header>
        <h2>
          <span class="kind">{view.entity}</span> <span class="id">{id}</span>
        </h2>
        <button
          type="button"
          class="icon-button"
          title="Unpin"
          aria-label={`Unpin ${view.entity} ${id}`}
          onClick={({ currentTarget }) => {
            const next = neighbour(currentTarget);
            removePin({ entity: view.entity, id });
            next?.focus();
          }}
        >
          <span aria-hidden="true">×</span>
        </button>
        {shown && <Freshness shown={shown} />}
      </header>
      {problem !== null && (
        <p class="card-problem" role="alert">
          {problem}
        </p>
      )}
      {!shown && problem === null && <p class="waiting">Waiting for the first values…</p>}
      {shown && (
        <ul class="features">
          {view.features.map((feature) => (
            <FeatureRow
              key={feature.name}
              tracked={tracked}
              feature={feature}
              value={(shown.vector[feature.name] ?? null) as FeatureValue}
              open={open === feature.name}
              onToggle={() => setOpen(open === feature.name ? null : feature.name)}
            />
          ))}
        </ul>
      )}
      {pastProblem !== null && shown && (
        <p class="footnote">Charts begin now, for the past could not be had: {pastProblem}</p>
      )}
    </article>
  );
}

/** Where the keyboard goes when a card goes: to the next one's button, or to the search. */
function neighbour(button: HTMLElement): HTMLElement | null {
  const card = button.closest('article');
  const other = card?.nextElementSibling ?? card?.previousElementSibling;
  return other?.querySelector<HTMLElement>('header button') ?? document.querySelector<HTMLElement>('[role="combobox"]');
}

const causes: { readonly [C in Shown['cause']]: string } = {
  SNAPSHOT: 'As it was when the page began to watch',
  EVENT: 'An event arrived',
  DECAY: 'Only time passed: something left a window, or came out from behind a delay',
  RESYNC: 'Changes may have gone unheard; this is what holds now',
};

/** Why the newest values came, since when they hold, and until when if nothing happens. */
function Freshness({ shown: { cause, vector } }: { shown: Shown }) {
  const { asOf, validUntil, lastEventAt, completeSince } = vector.freshness;
  const now = second.value;
  const until = validUntil === null ? null : Date.parse(validUntil) - now;
  return (
    <p class="freshness">
      <span class={`cause ${cause.toLowerCase()}`} title={causes[cause]}>
        {cause}
      </span>
      <span title={`Complete since ${formatMoment(Date.parse(completeSince))}`}>
        as of {formatMoment(Date.parse(asOf))}
      </span>
      <span>
        {lastEventAt === null ? 'no event yet' : `last event ${formatAge(now - Date.parse(lastEventAt))} ago`}
      </span>
      {/* Once that is past, it held on and nothing changed: what changes is sent. */}
      {(until === null || until > 0) && (
        <span title="When time alone may change something, if no event comes">
          {until === null ? 'holds until an event' : `holds for ${formatAge(until)}`}
        </span>
      )}
    </p>
  );
}
