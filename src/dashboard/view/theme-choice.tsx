import { type Theme, theme } from '../model/settings.ts';

const next: { readonly [T in Theme]: Theme } = { system: 'light', light: 'dark', dark: 'system' };
const signs: { readonly [T in Theme]: string } = { system: '◐', light: '☀', dark: '☾' };

/** Light, dark, or as the system has it. */
export function ThemeChoice() {
  return (
    <button
      type="button"
      class="icon-button"
      title={`Colours: ${theme.value}. Press for ${next[theme.value]}`}
      aria-label={`Colours: ${theme.value}`}
      onClick={() => {
        theme.value = next[theme.value];
      }}
    >
      <span aria-hidden="true">{signs[theme.value]}</span>
    </button>
  );
}
