import { effect, signal } from '@preact/signals';
import { keep, kept } from './settings.ts';

/** An entity that somebody wants to see. */
export interface Pin {
  readonly entity: string;
  readonly id: string;
}

export const mostPins = 60;

/** What is pinned, the newest first. The page's address holds it, so it can be sent to a colleague. */
export const pins = signal<readonly Pin[]>(initial());

export function isPinned(pin: Pin): boolean {
  return pins.value.some((each) => isSame(each, pin));
}

/** Puts it first, also one that is there already. */
export function addPin(pin: Pin): void {
  pins.value = [pin, ...pins.value.filter((each) => !isSame(each, pin))].slice(0, mostPins);
}

export function removePin(pin: Pin): void {
  pins.value = pins.value.filter((each) => !isSame(each, pin));
}

export function isSame(one: Pin, other: Pin): boolean {
  return one.entity === other.entity && one.id === other.id;
}

effect(() => {
  const text = pins.value.map(({ entity, id }) => `${encodeURIComponent(entity)}/${encodeURIComponent(id)}`).join('&');
  keep('pins', text);
  if (location.hash.slice(1) !== text)
    history.replaceState(null, '', text ? `#${text}` : location.pathname + location.search);
});
window.addEventListener('hashchange', () => {
  pins.value = parse(location.hash.slice(1));
});

function initial(): readonly Pin[] {
  return location.hash.length > 1 ? parse(location.hash.slice(1)) : (kept('pins', parse) ?? []);
}

function parse(text: string): readonly Pin[] {
  const found = text.split('&').flatMap((part): Pin[] => {
    try {
      const [entity = '', id = ''] = part.split('/').map(decodeURIComponent);
      return entity && id ? [{ entity, id }] : [];
    } catch {
      return []; // an address that somebody has cut short
    }
  });
  return found.filter((pin, i) => found.findIndex((each) => isSame(each, pin)) === i).slice(0, mostPins);
}
