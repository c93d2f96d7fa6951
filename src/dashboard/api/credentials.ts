import { signal } from '@preact/signals';

/** For as long as the tab is open, and for no other tab. */
const stored = 'freshet.key';

/** The key or token that this page shows to the API; null: none. */
export const key: string | null = keptKey();

/** Why the API wants a key, or another one, in its own words; null while it asks for none. */
export const keyWanted = signal<string | null>(null);

/** How a request says whose it is. */
export function credentials(): { readonly authorization?: string } {
  return key === null ? {} : { authorization: `Bearer ${key}` };
}

/** The API does not take what this page has shown. */
export function wantKey(why: string): void {
  keyWanted.value = why === '' ? 'The API asks who you are' : why;
}

/** Begins anew with this key, or without one: nothing on the page is to be of another. */
export function takeKey(text: string | null): void {
  try {
    if (text === null) sessionStorage.removeItem(stored);
    else sessionStorage.setItem(stored, text);
  } catch {
    wantKey('This browser keeps nothing for the page: allow it to, or the key is lost at once');
    return;
  }
  location.reload();
}

function keptKey(): string | null {
  try {
    return sessionStorage.getItem(stored);
  } catch {
    return null;
  }
}
