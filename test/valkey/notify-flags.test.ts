import { describe, expect, it } from 'vitest';
import { withNeededFlags } from '../../src/valkey/notify-flags.ts';

describe('notify-keyspace-events', () => {
  it.each([
    ['', 'Kghxe'],
    ['Kghxe', null],
    ['exhgK', null],
    ['AK', null],
    ['AKE', null],
    ['A', 'AK'],
    ['E$', 'E$Kghxe'],
    ['KEx', 'KExghe'],
    ['Kmn', 'Kmnghxe'],
  ])('"%s" becomes "%s", and loses nothing', (flags, wanted) => {
    expect(withNeededFlags(flags)).toBe(wanted);
  });
});
