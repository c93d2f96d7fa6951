import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatDateTime, isDateTime, parseDateTime } from '../../src/graphql/date-time.ts';

const instants = fc
  .date({ min: new Date('0000-01-02T00:00:00Z'), max: new Date('9999-12-30T00:00:00Z'), noInvalidDate: true })
  .map((date) => date.getTime());

describe('DateTime text', () => {
  test.for([
    ['2026-01-31T09:30:00Z', '2026-01-31T09:30:00.000Z'],
    ['2026-01-31t09:30:00z', '2026-01-31T09:30:00.000Z'],
    ['2026-01-31T09:30:00.5+02:00', '2026-01-31T07:30:00.500Z'],
    ['2026-01-31T23:30:00-05:30', '2026-02-01T05:00:00.000Z'],
    ['2026-01-31T09:30:00.999999999Z', '2026-01-31T09:30:00.999Z'],
    ['1969-12-31T23:59:59.9999Z', '1969-12-31T23:59:59.999Z'],
    ['2024-02-29T00:00:00-00:00', '2024-02-29T00:00:00.000Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000Z'],
    ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
  ] as const)('%s is read as %s', ([text, utc]) => {
    expect(formatDateTime(parseDateTime(text) as number)).toBe(utc);
  });

  test.for([
    ['', 'is empty'],
    ['yesterday', 'is no date'],
    ['2026-01-31', 'has no time'],
    ['2026-01-31T09:30:00', 'has no offset'],
    ['2026-01-31T09:30Z', 'has no seconds'],
    ['2026-01-31 09:30:00Z', 'has a space'],
    ['2026-02-30T00:00:00Z', 'is on 30 February'],
    ['2025-02-29T00:00:00Z', 'is on 29 February of a common year'],
    ['2026-13-01T00:00:00Z', 'is in month 13'],
    ['2026-01-31T24:00:00Z', 'is at hour 24'],
    ['2026-01-31T09:60:00Z', 'is at minute 60'],
    ['2016-12-31T23:59:60Z', 'is a leap second'],
    ['2026-01-31T09:30:00.Z', 'has an empty fraction'],
    ['2026-01-31T09:30:00+0200', 'has an offset without a colon'],
    ['2026-01-31T09:30:00+24:00', 'has an offset of a day'],
    ['2026-01-31T09:30:00+01:60', 'has an offset with 60 minutes'],
    ['+002026-01-31T09:30:00Z', 'has a long year'],
    ['9999-12-31T23:59:59-01:00', 'is in year 10000 of UTC'],
    ['0000-01-01T00:00:00+01:00', 'is before year 0 of UTC'],
    [' 2026-01-31T09:30:00Z', 'begins with a space'],
    ['2026-01-31T09:30:00Z\n', 'ends with a line break'],
    ['２026-01-31T09:30:00Z', 'has a digit of another script'],
  ] as const)('%s is refused: it %s', ([text]) => {
    expect(parseDateTime(text)).toBeNull();
  });

  test('what is written is read as the same instant', () => {
    fc.assert(fc.property(instants, (instant) => parseDateTime(formatDateTime(instant)) === instant));
  });

  test('an offset changes how an instant is written and not which one it is', () => {
    const offsets = fc.record({ sign: fc.constantFrom(1, -1), hours: fc.nat(23), minutes: fc.nat(59) });
    fc.assert(
      fc.property(instants, offsets, (instant, { sign, hours, minutes }) => {
        const local = new Date(instant + sign * (hours * 60 + minutes) * 60_000).toISOString().slice(0, -1);
        const offset = `${sign > 0 ? '+' : '-'}${String(hours).padStart(2, '0')}:${String(minutes).padStart(2, '0')}`;
        fc.pre(local.length === 23);
        expect(parseDateTime(local + offset)).toBe(instant);
      }),
    );
  });

  test('digits past the millisecond are cut', () => {
    fc.assert(
      fc.property(instants, fc.array(fc.nat(9), { minLength: 1, maxLength: 12 }), (instant, digits) => {
        expect(parseDateTime(formatDateTime(instant).replace('Z', `${digits.join('')}Z`))).toBe(instant);
      }),
    );
  });

  test('any other text is refused or is an instant, and never throws', () => {
    const almost = fc.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,4})?(Z|[+-]\d\d:\d\d)$/);
    fc.assert(
      fc.property(fc.oneof(fc.string(), almost), (text) => {
        const instant = parseDateTime(text);
        expect(instant === null || isDateTime(instant)).toBe(true);
      }),
    );
  });
});
