import { expect, test } from 'vitest';
import { Audience } from '../../src/live/audience.ts';

test('an audience is as a Map would be, whoever comes and goes', () => {
  let state = 1;
  const draw = (below: number) => {
    state = (state * 48_271) % 2_147_483_647; // Park and Miller's generator
    return state % below;
  };
  for (let round = 0; round < 300; round++) {
    const audience = new Audience<object>();
    const reference = new Map<object, number>();
    const people = Array.from({ length: 1 + draw(4) }, () => ({}));
    for (let step = 0; step < 20; step++) {
      const one = people[draw(people.length)] as object;
      if (draw(2) === 0) {
        expect(audience.delete(one)).toBe(reference.delete(one));
      } else if (!reference.has(one)) {
        audience.add(one, step);
        reference.set(one, step);
      }
      expect([audience.size, [...audience]]).toEqual([reference.size, [...reference]]);
    }
  }
});
