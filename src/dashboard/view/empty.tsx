import { useEffect, useState } from 'preact/hooks';
import { SearchEntitiesDocument } from '../../../schema/operations/generated.ts';
import { ask } from '../api/ask.ts';
import { connection } from '../api/connection.ts';
import { graphiqlServed } from '../model/graphiql.ts';
import { addPin, type Pin } from '../model/pins.ts';

const shownOfEach = 3;

/** Nothing is pinned: what to do, and whom there is. */
export function Empty() {
  const [known, setKnown] = useState<readonly Pin[] | null>(null);
  const { state } = connection.value;
  useEffect(() => {
    if (state !== 'live' || (known !== null && known.length > 0)) return;
    const asking = new AbortController();
    const look = () => {
      if (document.hidden) return;
      ask(SearchEntitiesDocument, { text: '', first: 40 }, asking.signal).then(
        ({ data }) => setKnown(someOfEach(data.searchEntities.found)),
        () => {}, // Troubles says why
      );
    };
    look();
    const timer = setInterval(look, 2_000);
    return () => {
      clearInterval(timer);
      asking.abort();
    };
  }, [state, known === null || known.length === 0]);
  if (known === null) return <section class="empty" aria-busy="true" />;
  if (known.length === 0) {
    return (
      <section class="empty">
        <h2>Nothing is recorded yet</h2>
        <p>
          See it move with simulated customers and shops: run <code>npm run demo</code>. Or record an event of your own
          {graphiqlServed.value && (
            <>
              {' '}
              in <a href="./graphql">GraphiQL</a>
            </>
          )}
          :
        </p>
        <pre>
          <code>{exampleMutation}</code>
        </pre>
      </section>
    );
  }
  return (
    <section class="empty">
      <h2>Nothing is pinned</h2>
      <p>Find somebody by a part of their id, or begin with one of these:</p>
      <p class="suggestions">
        {known.map((pin) => (
          <button type="button" key={`${pin.entity} ${pin.id}`} onClick={() => addPin(pin)}>
            <span class="kind">{pin.entity}</span> <span class="id">{pin.id}</span>
          </button>
        ))}
      </p>
    </section>
  );
}

function someOfEach(found: readonly Pin[]): Pin[] {
  const sorted = found.toSorted((one, other) => one.id.localeCompare(other.id, undefined, { numeric: true }));
  return [...Map.groupBy(sorted, ({ entity }) => entity).values()].flatMap((pins) => pins.slice(0, shownOfEach));
}

const exampleMutation = `mutation {
  recordTransaction(
    input: { transactionId: "txn_001", userId: "user_001", merchantId: "shop_042", amount: 129.9 }
  ) { status }
}`;
