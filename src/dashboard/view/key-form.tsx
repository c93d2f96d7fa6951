import { useSignal } from '@preact/signals';
import { useId } from 'preact/hooks';
import { key, keyWanted, takeKey } from '../api/credentials.ts';

/** Asks for a key where the API does, and says why. */
export function KeyForm() {
  const id = useId();
  const text = useSignal('');
  const why = keyWanted.value;
  if (why === null) return null;
  return (
    <section class="key" role="alert">
      <h2>{key === null ? 'This API asks for a key' : 'The API refuses this key'}</h2>
      <p>It says: {why}.</p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (text.value.trim() !== '') takeKey(text.value.trim());
        }}
      >
        <label for={id}>API key or token</label>
        <input
          id={id}
          type="password"
          autocomplete="off"
          spellcheck={false}
          value={text.value}
          onInput={({ currentTarget }) => {
            text.value = currentTarget.value;
          }}
        />
        <button type="submit">Use it</button>
      </form>
      <p class="hint">
        It needs the scope <code>features:read</code>, and <code>admin</code> for what the API does. This tab keeps it
        until it is closed. <code>npm run key</code> makes one.
      </p>
    </section>
  );
}

/** Lets go of the key that is in use. */
export function ForgetKey() {
  if (key === null) return null;
  return (
    <button type="button" class="text-button" title="Forget the key of this tab" onClick={() => takeKey(null)}>
      Forget key
    </button>
  );
}
