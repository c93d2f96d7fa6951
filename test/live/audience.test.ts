import { expect, test } from 'vitest';
import { Audience } from '../../src/live/audience.ts';

test('an audience is as a Map would be, whoever comes and goes', () => {
  const audience = new Audience<object>();
  const reference = new Map<object, number>();
  const people = Array.from({ length: 5 }, () => ({}));
  let state = 1;
  for (let step = 0; step < 2_000; step++) {
    state = (state * 48_271) % 2_147_483_647; // Park and Miller's generator
    const one = people[state % people.length] as object;
    if (state % 3 === 0 && !reference.has(one)) {
      audience.add(one, step);
      reference.set(one, step);
    } else if (state % 3 > 0) {
      expect(audience.delete(one)).toBe(reference.delete(one));
    }
    expect([audience.size, new Map(audience)]).toEqual([reference.size, reference]);
  }
});
