import { useSignal } from '@preact/signals';
import { useEffect, useId, useRef } from 'preact/hooks';
import { SearchEntitiesDocument } from '../../../schema/operations/generated.ts';
import { ask } from '../api/ask.ts';
import { addPin, isPinned, mostPins, type Pin, pins } from '../model/pins.ts';
import { catalogue } from '../model/watching.ts';

const first = 12;
const pauseMs = 120; // between keys, before it asks

interface Option extends Pin {
  /** Whether anything is known of it. */
  readonly known: boolean;
}

/** Finds users, merchants and whatever else is served by a part of their id, and pins them: a combobox as ARIA has it. */
export function Search() {
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const text = useSignal('');
  const open = useSignal(false);
  const options = useSignal<readonly Option[]>([]);
  /** To what text the options are an answer. */
  const answered = useSignal<string | null>(null);
  /** Whether Enter was pressed before they were. */
  const eager = useSignal(false);
  const active = useSignal(0);
  const note = useSignal<string | null>(null);

  useEffect(() => focusOnSlash(input), []);
  useEffect(() => {
    if (!open.value) return;
    const asking = new AbortController();
    const timer = setTimeout(async () => {
      try {
        const wanted = text.peek().trim();
        const { data } = await ask(SearchEntitiesDocument, { text: wanted, first: 60 }, asking.signal);
        const { found, complete } = data.searchEntities;
        options.value = optionsFor(wanted, found);
        answered.value = wanted;
        active.value = 0;
        note.value = noteOn(found.length, complete, wanted);
        // Who was quicker than the answer meant just this id.
        const meant = options.value.find(({ id: each, known }) => known && each === wanted);
        if (eager.value) choose(meant);
        eager.value = false;
      } catch (error) {
        if (asking.signal.aborted) return;
        options.value = optionsFor(text.peek().trim(), []);
        answered.value = text.peek().trim();
        eager.value = false;
        note.value = `Cannot search: ${(error as Error).message}`;
      }
    }, pauseMs);
    return () => {
      clearTimeout(timer);
      asking.abort();
    };
  }, [open.value, text.value]);

  const choose = (option: Option | undefined) => {
    if (!option) return;
    if (pins.peek().length >= mostPins && !isPinned(option)) {
      note.value = `${mostPins} are pinned, which is as many as one page shows: unpin some`;
      return;
    }
    addPin(option);
    text.value = '';
    answered.value = null;
    options.value = [];
    open.value = false;
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const { length } = options.value;
    switch (event.key) {
      case 'ArrowDown':
        if (!open.value) open.value = true;
        else active.value = (active.value + 1) % Math.max(1, length);
        break;
      case 'ArrowUp':
        active.value = (active.value + length - 1) % Math.max(1, length);
        break;
      case 'Enter':
        if (!open.value) break;
        if (answered.value === text.value.trim()) choose(options.value[active.value]);
        else eager.value = true;
        break;
      case 'Escape':
        if (open.value) open.value = false;
        else text.value = '';
        break;
      default:
        return;
    }
    event.preventDefault();
  };
  return (
    <div class="search">
      <label class="unseen" for={id}>
        Find a {kinds()} to pin
      </label>
      <input
        id={id}
        ref={input}
        type="text"
        role="combobox"
        autocomplete="off"
        spellcheck={false}
        placeholder={`Find a ${kinds()} by id  ( / )`}
        aria-expanded={open.value}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        aria-activedescendant={open.value && options.value.length > 0 ? `${id}-${active.value}` : undefined}
        value={text.value}
        onInput={({ currentTarget }) => {
          text.value = currentTarget.value;
          eager.value = false;
          open.value = true;
        }}
        onFocus={() => {
          open.value = true;
        }}
        onClick={() => {
          open.value = true;
        }}
        onBlur={() => {
          open.value = false;
        }}
        onKeyDown={onKeyDown}
      />
      <div class="choices" hidden={!open.value}>
        <div id={`${id}-list`} class="options" role="listbox" aria-label="Found">
          {options.value.map((option, i) => (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are the input's, which keeps the focus
            <div
              key={`${option.entity} ${option.id}`}
              id={`${id}-${i}`}
              role="option"
              aria-selected={i === active.value}
              tabIndex={-1}
              // The input keeps the focus, so that it does not close before the click.
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => choose(option)}
            >
              <span class="kind">{option.entity}</span> <span class="id">{option.id}</span>
              {!option.known && <span class="hint">nothing known yet</span>}
              {isPinned(option) && <span class="hint">pinned</span>}
            </div>
          ))}
        </div>
        {note.value !== null && (
          <p class="note" role="status">
            {note.value}
          </p>
        )}
      </div>
    </div>
  );
}

/** What was found, the likeliest first, and what has just this id though nothing is known of it. */
function optionsFor(wanted: string, found: readonly Pin[]): Option[] {
  const rank = ({ id }: Pin) => (id === wanted ? 0 : id.toLowerCase().startsWith(wanted.toLowerCase()) ? 1 : 2);
  const sorted = found.toSorted(
    (one, other) => rank(one) - rank(other) || one.id.localeCompare(other.id, undefined, { numeric: true }),
  );
  const kinds = Map.groupBy(sorted, ({ entity }) => entity);
  const ofEach = Math.ceil(first / Math.max(1, kinds.size));
  const known = [...kinds.values()].flatMap((pins) =>
    pins.slice(0, ofEach).map(({ entity, id }) => ({ entity, id, known: true })),
  );
  const entities = new Set(catalogue.value?.map(({ entity }) => entity));
  const unknown = [...entities].filter((entity) => !found.some((each) => each.entity === entity && each.id === wanted));
  return wanted === '' ? known : [...known, ...unknown.map((entity) => ({ entity, id: wanted, known: false }))];
}

function noteOn(found: number, complete: boolean, wanted: string): string | null {
  if (!complete)
    return found <= first
      ? 'There may be more: type more of the id, or all of it'
      : 'There are more: type more of the id';
  if (found === 0 && wanted === '') return 'Nothing is recorded yet: npm run demo makes things move';
  if (found === 0) return 'Nothing that is recorded has this in its id; you can watch it all the same';
  return found <= first ? null : 'There are more: type more of the id';
}

function kinds(): string {
  const names = [...new Set(catalogue.value?.map(({ entity }) => entity.toLowerCase()))];
  return names.length > 0 ? names.join(' or ') : 'user';
}

/** As on many pages, a slash goes to the search. */
function focusOnSlash(input: { readonly current: HTMLInputElement | null }): () => void {
  const onKey = (event: KeyboardEvent) => {
    const { target } = event;
    if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return;
    if (target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement) return;
    event.preventDefault();
    input.current?.focus();
  };
  document.addEventListener('keydown', onKey);
  return () => document.removeEventListener('keydown', onKey);
}
