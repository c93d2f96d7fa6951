import { expect, test } from 'vitest';
import { type Group, groupRows, requirementsOf } from '../../bench/accuracy/groups.ts';
import type { Observation } from '../../bench/accuracy/observe.ts';
import { isMet } from '../../bench/report/requirement.ts';

const exact: Observation = { kind: 'count', method: 'EXACT', error: 0, width: 0, wrong: false };
const cut: Observation = { kind: 'count', method: 'INTERPOLATED', error: 0.004, width: 0.01, wrong: false };
const sampled: Observation = { kind: 'distinct', method: 'SAMPLED', error: 0.01, width: 0.05, wrong: false };

function broken(group: Partial<Group>): string[] {
  const groups = [{ arrival: 'Poisson', size: 100, observations: [exact, cut, sampled], outOfTime: false, ...group }];
  return requirementsOf(groups)
    .filter((one) => !isMet(one))
    .map(({ what }) => what.replace(/ \(.*/, ''));
}

test('exact and uncertain values stand apart', () => {
  const [count] = groupRows({ arrival: 'bursty', size: 1_000, observations: [exact, exact, cut], outOfTime: false });
  expect(count?.slice(0, 10)).toEqual(['bursty', '1,000', 'count', '2', '0', '0', '0', '1', '0.40 %', '0.40 %']);
});

test('each requirement is broken by what it forbids alone', () => {
  expect(broken({})).toEqual([]);
  expect(broken({ observations: [{ ...cut, error: 0.011 }] })).toEqual(['Poisson, count: p99 error']);
  expect(broken({ arrival: 'bursty', observations: [{ ...cut, error: 0.011 }] })).toEqual([]);
  expect(broken({ observations: [exact, exact, { ...cut, width: 0.03 }] })).toEqual([
    'Poisson, count: median width of cut windows',
  ]);
  expect(broken({ observations: [sampled, sampled, { ...sampled, error: 0.07 }] })).toEqual([
    'Poisson, sampled distinct: p99 error',
  ]);
  expect(broken({ observations: [{ ...exact, wrong: true }] })).toEqual([
    'values beyond their bounds, or not as exact as told',
  ]);
  expect(broken({ outOfTime: true })).toHaveLength(9);
});
