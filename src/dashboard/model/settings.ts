import { effect, signal } from '@preact/signals';

/** How far back charts go. */
export const ranges = [
  { label: '5 min', ms: 5 * 60_000 },
  { label: '1 h', ms: 3_600_000 },
  { label: '6 h', ms: 6 * 3_600_000 },
  { label: '24 h', ms: 24 * 3_600_000 },
] as const;

export type RangeMs = (typeof ranges)[number]['ms'];
export type Theme = 'system' | 'light' | 'dark';

export const rangeMs = signal<RangeMs>(
  kept('range', (text) => ranges.find(({ ms }) => String(ms) === text)?.ms) ?? 300_000,
);
export const theme = signal<Theme>(
  kept('theme', (text) => (text === 'light' || text === 'dark' ? text : undefined)) ?? 'system',
);

effect(() => {
  keep('range', String(rangeMs.value));
});
effect(() => {
  keep('theme', theme.value);
  document.documentElement.style.colorScheme = theme.value === 'system' ? 'light dark' : theme.value;
});

/** What this browser remembers; a browser may refuse to. */
export function kept<T>(name: string, read: (text: string) => T | undefined): T | undefined {
  try {
    const text = localStorage.getItem(`freshet.${name}`);
    return text === null ? undefined : read(text);
  } catch {
    return undefined;
  }
}

export function keep(name: string, text: string): void {
  try {
    localStorage.setItem(`freshet.${name}`, text);
  } catch {
    // The page works without.
  }
}
