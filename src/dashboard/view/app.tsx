import { key, keyWanted } from '../api/credentials.ts';
import icon from '../icon.svg';
import { graphiqlServed } from '../model/graphiql.ts';
import { tracked } from '../model/watching.ts';
import { ActivityLine } from './activity-line.tsx';
import { Card } from './card.tsx';
import { ConnectionState } from './connection-state.tsx';
import { Empty } from './empty.tsx';
import { ForgetKey, KeyForm } from './key-form.tsx';
import { RangeChoice } from './range-choice.tsx';
import { Search } from './search.tsx';
import { ThemeChoice } from './theme-choice.tsx';
import { Troubles } from './troubles.tsx';

/** The whole page. */
export function App() {
  const cards = tracked.value;
  return (
    <>
      <header class="top">
        <h1>
          <img src={icon} alt="" width="28" height="28" />
          Freshet
        </h1>
        <ConnectionState />
        <nav aria-label="Other pages">
          {graphiqlServed.value && <a href="./graphql">GraphiQL</a>}
          {/* A link shows no key. */}
          {key === null && keyWanted.value === null && <a href="./schema.graphql">Schema</a>}
        </nav>
        <ForgetKey />
        <ThemeChoice />
      </header>
      <main>
        <KeyForm />
        {keyWanted.value === null && (
          <>
            <ActivityLine />
            <div class="tools">
              <Search />
              <RangeChoice />
            </div>
            <Troubles />
          </>
        )}
        {keyWanted.value !== null ? null : cards.length === 0 ? (
          <Empty />
        ) : (
          <div class="cards">
            {cards.map((each) => (
              <Card key={`${each.view.name} ${each.id}`} tracked={each} />
            ))}
          </div>
        )}
      </main>
    </>
  );
}
