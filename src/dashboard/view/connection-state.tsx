import { useEffect, useState } from 'preact/hooks';
import { connection } from '../api/connection.ts';
import { keyWanted } from '../api/credentials.ts';
import { outage } from '../model/outage.ts';

/** Whether what is shown is live, in a word; Troubles says more. */
export function ConnectionState() {
  const { state } = connection.value;
  if (keyWanted.value !== null) return <State kind="lost" text="Not admitted" />;
  if (state === 'connecting') return <State kind="waiting" text="Connecting" />;
  if (state === 'lost') return <State kind="lost" text={<Retry />} />;
  if (outage.value?.kind === 'store') return <State kind="lost" text="Store away" />;
  return <State kind="live" text="Live" />;
}

function State({ kind, text }: { kind: 'live' | 'waiting' | 'lost'; text: preact.ComponentChildren }) {
  return (
    <p class={`state ${kind}`} role="status">
      <span class="dot" aria-hidden="true" />
      {text}
    </p>
  );
}

/** Counts the seconds to the next try, but not aloud. */
function Retry() {
  const { value } = connection;
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 250);
    return () => clearInterval(timer);
  }, []);
  const nextTryAt = value.state === 'lost' ? value.nextTryAt : null;
  const seconds = nextTryAt === null ? 0 : Math.ceil((nextTryAt - now) / 1_000);
  return (
    <>
      Reconnecting
      {seconds > 0 && <span aria-hidden="true"> in {seconds} s</span>}
    </>
  );
}
