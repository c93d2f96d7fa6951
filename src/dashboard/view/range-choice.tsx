import { rangeMs, ranges } from '../model/settings.ts';

/** How far back the charts go. */
export function RangeChoice() {
  return (
    <fieldset class="range">
      <legend class="unseen">Charts go back</legend>
      {ranges.map(({ label, ms }) => (
        <label key={ms}>
          <input
            type="radio"
            name="range"
            checked={rangeMs.value === ms}
            onChange={() => {
              rangeMs.value = ms;
            }}
          />
          <span>{label}</span>
        </label>
      ))}
    </fieldset>
  );
}
