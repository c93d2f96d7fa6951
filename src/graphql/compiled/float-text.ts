/** What stands behind the whole of a number of hundredths: nothing, `.5`, `.25`. */
const hundredthTexts = Array.from({ length: 100 }, (_, i) => String(i / 100).slice(1));
/** Up to here a decimal of two places has no more digits than tell each double from all others. */
const mostHundredths = 1e15;

/**
 * Writes a finite number as `${value}` does. Amounts have two places at most, and V8, which looks for the shortest text of any number,
 * takes three times as long for them: a number that is a whole number of hundredths has that one, and no shorter one.
 */
export function floatText(value: number): string {
  const hundredths = Math.round(value * 100);
  if (hundredths / 100 !== value || hundredths <= 0 || hundredths > mostHundredths) return `${value}`;
  const whole = Math.floor(hundredths / 100);
  return `${whole}${hundredthTexts[hundredths - 100 * whole]}`;
}
