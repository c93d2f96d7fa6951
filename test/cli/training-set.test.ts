import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { TrainingSet } from '../../src/cli/replay/training-set.ts';
import { count, first, last, lastN, rate, ratio, timeSinceLast, view } from '../../src/define/index.ts';
import type { Vector } from '../../src/engine/index.ts';
import { base } from '../define/transaction.ts';
import { testFolder } from './replay-command.ts';

const { path: inFolder } = testFolder();
const noon = Date.UTC(2024, 0, 1, 12);

const profile = view('profile', {
  ...base,
  features: {
    count1h: count({ window: '1h' }),
    amounts: lastN('amount', { n: 3, window: '1h' }),
    perSecond: rate({ window: '1h' }),
    sinceLast: timeSinceLast({ window: '1h' }),
    firstFraud: first('fraud', { window: '1h' }),
    lastAt: last('occurredAt', { window: '1h' }),
    frauds: lastN('fraud', { n: 2, window: '1h' }),
    times: lastN('occurredAt', { n: 2, window: '1h' }),
  },
  derived: { burst: ratio('count1h', 'perSecond') },
});

/** A vector of the profile that was folded at noon: a number a feature, then the values of its lists. */
function vector(numbers: readonly number[], listed: readonly number[]): Vector {
  const meta = { revision: 1, validUntil: null, lastEventAt: null, eventSeq: 1, completeSince: 0 };
  return { view: profile, id: 'ada', asOf: noon, values: Float64Array.from([...numbers, ...listed]), ...meta };
}

test('a training set has what is served: seconds since a moment, and lists as JSON', async () => {
  const trainingSet = await TrainingSet.open(inFolder('out.csv'), ['row'], [profile]);
  const none = Number.NaN;
  const full = vector([2, 2, 0.5, noon - 1_500, 1, noon, 2, 1], [0.1, -7, none, 1, 0, noon, none]);
  const empty = vector(
    [0, 0, 0, none, none, none, 0, 0],
    Array.from({ length: 7 }, () => none),
  );
  await trainingSet.add(['1'], [full]);
  await trainingSet.add(['2'], [empty]);
  await trainingSet.complete();
  expect((await readFile(inFolder('out.csv'), 'utf8')).split('\n')).toEqual([
    'row,profile.count_1h,profile.amounts,profile.per_second,profile.since_last,profile.first_fraud,profile.last_at,profile.frauds,profile.times,profile.burst',
    '1,2,"[0.1,-7]",0.5,1.5,true,2024-01-01T12:00:00.000Z,"[true,false]","[""2024-01-01T12:00:00.000Z""]",4',
    '2,0,[],0,,,,[],[],',
    '',
  ]);
});
