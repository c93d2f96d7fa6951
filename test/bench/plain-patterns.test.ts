import { randomBytes } from 'node:crypto';
import { afterAll, expect, inject, test } from 'vitest';
import { PlainPatterns } from '../../bench/contenders/plain-patterns.ts';
import { Deadline } from '../../bench/deadline.ts';
import { poisson } from '../../bench/simulate/arrivals.ts';
import { drawHistory, transactionsOf } from '../../bench/simulate/history.ts';
import { zipf } from '../../bench/simulate/population.ts';
import { type Subject, subjects } from '../../bench/subject.ts';
import { Random } from '../../src/simulate/index.ts';
import { connect } from '../../src/valkey/index.ts';
import { singleAddress } from '../support/single-address.ts';

const valkey = connect(singleAddress(inject('valkeyUrl')), { commandTimeoutMs: 20_000 });
const used: string[] = [];

afterAll(async () => {
  await valkey.unlink(...used);
  await valkey.quit();
});

function patterns(subject: Subject): PlainPatterns {
  const plain = new PlainPatterns(valkey, `test:${randomBytes(6).toString('hex')}`, subject);
  used.push(...Object.values(plain.keys('e')));
  return plain;
}

/** What it stores of the entity, but for the random members of the sorted set. */
async function stored(plain: PlainPatterns) {
  const { events, sum, total, unique, hash } = plain.keys('e');
  return {
    scores: (await valkey.zrange(events, 0, -1, 'WITHSCORES')).filter((_, i) => i % 2 === 1),
    sum: Number(await valkey.get(sum)).toFixed(6),
    total: await valkey.get(total),
    unique: await valkey.pfcount(unique),
    count1h: await valkey.hget(hash, 'txn_count_1h'),
    average: Number(await valkey.hget(hash, 'avg_txn_amount')).toFixed(6),
    fields: (await valkey.hkeys(hash)).sort(),
  };
}

test.each(subjects)('loading the past leaves what recording it would have left: $name', async (subject) => {
  const random = new Random(1);
  const times = poisson(random, 60, { fromMs: 0, toMs: 1.5 * subject.spanMs });
  const past = transactionsOf(drawHistory(random, subject, 'e', times, zipf(20, 1)));
  const [recorded, loaded] = [patterns(subject), patterns(subject)];
  for (const one of past) await recorded.record([one]);
  await loaded.load(past, new Deadline(60));
  const found = await stored(recorded);
  expect(found.scores.length).toBeLessThan(past.length);
  expect(found.total).toBe('60');
  expect(await stored(loaded)).toEqual(found);
});

test('a late event is one of now, by the clock of the caller', async () => {
  const [subject] = subjects;
  if (!subject) throw new Error('there is nothing to measure');
  const plain = patterns(subject);
  const at = (occurredAt: number) =>
    subject.transaction('e', 'p', { transactionId: String(occurredAt), amount: 1, occurredAt, fraud: false });
  await plain.record([at(9_000), at(2_000)]);
  expect((await stored(plain)).scores).toEqual(['9000', '9000']);
});
