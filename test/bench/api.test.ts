import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { chart } from '../../bench/api/chart.ts';
import { type Comparison, comparisonTable, ratioTo } from '../../bench/api/comparison.ts';
import { type ContenderProcess, startOwn, startPeer } from '../../bench/api/contender-process.ts';
import { address, graphql, json, selections } from '../../bench/api/profile-requests.ts';
import { checkedTarget } from '../../bench/api/read.ts';
import { addressOf } from '../../bench/api/readers.ts';
import { constantMs, drawUsers, type SeededUser, seed, wrongness } from '../../bench/api/seeded-users.ts';
import type { Turn } from '../../bench/api/turn.ts';
import { LoadGenerator } from '../../bench/load/load-generator.ts';
import { features } from '../../bench/peers/features.ts';
import { keysUnder } from '../../bench/server.ts';
import { riskProfile } from '../../schema/user.ts';
import { connect } from '../../src/valkey/index.ts';
import { singleAddress } from '../support/single-address.ts';

const valkeyUrl = inject('valkeyUrl');
const valkey = connect(singleAddress(valkeyUrl), { commandTimeoutMs: 20_000 });
const keyPrefix = `test:${randomBytes(6).toString('hex')}`;
const generator = new LoadGenerator();
const processes: ContenderProcess[] = [];
let users: SeededUser[];

beforeAll(async () => {
  users = drawUsers(7, 40, Date.now());
  await seed(valkey, keyPrefix, users);
});

afterAll(async () => {
  await Promise.all([generator.stop(), ...processes.map((process) => process.stop())]);
  for (const key of await keysUnder(valkey, `${keyPrefix}*`)) await valkey.unlink(key);
  await valkey.quit();
});

test('what is asked of contenders is all that the view stores', () => {
  expect(features.map(([name, hashField]) => [name, hashField])).toEqual(
    riskProfile.features.map(({ name, hashField }) => [name, hashField]),
  );
});

test('seeded profiles hold longer than a run takes', async () => {
  for (const { id } of users) {
    const until = await valkey.hget(`${keyPrefix}:v1:user_risk_profile:{${id}}`, '_valid_until');
    expect(Number(until)).toBeGreaterThan(Date.now() + constantMs - 60_000);
  }
  expect(users.some(({ profile }) => profile.avgTxnAmount24h === null)).toBe(true);
});

test('ours with the user view alone, and the bare server, answer what the profiles must say', async () => {
  const own = await startOwn({ valkeyUrl, keyPrefix, workers: 1, userViewAlone: true });
  processes.push(own);
  const raw = await startPeer('raw', { ...addressOf(valkeyUrl), keyPrefix, autoPipelining: true });
  processes.push(raw);
  const all = selections.at(-1) ?? { name: 'none', features: [] };
  for (const [process, form] of [
    [own, graphql],
    [raw, json],
  ] as const) {
    await checkedTarget({ generator }, form.name, { process, form }, [users], all);
  }
  const single = users.map((user) => [user]);
  for (const [process, form] of [
    [own, graphql],
    [raw, address],
  ] as const) {
    const target = await checkedTarget({ generator }, `${form.name}, one`, { process, form }, single, all);
    expect((await target.closedLoop({ connections: 2, seconds: 0.2 })).requests).toBeGreaterThan(0);
  }
  expect((await own.usage('collected')).cpuUs).toBeGreaterThan(0);
  const served = await fetch(`http://127.0.0.1:${own.port}/schema.graphql`);
  const types = (await served.text()).match(/^type \w+/gm);
  expect(types).toContain('type UserRiskProfile');
  expect(types).not.toContain('type Merchant');
});

test('a value that is wrong, missing or too much is found', () => {
  const [user] = users;
  if (!user) throw new Error('there is nobody');
  const names = ['txnCount30d', 'lastTxnAt'];
  const right = { txnCount30d: user.profile.txnCount30d, lastTxnAt: user.profile.lastTxnAt };
  expect(wrongness(right, user, names)).toBeNull();
  expect(wrongness({ ...right, txnCount30d: -1 }, user, names)).toContain('txnCount30d is -1');
  expect(wrongness({ txnCount30d: right.txnCount30d }, user, names)).toContain('has txnCount30d');
  expect(wrongness(null, user, names)).toContain('no profile');
});

test('a ratio is the median of the rounds, each by itself', () => {
  const turn = (perSecond: number): Turn => ({ perSecond, p50Ms: 1, p99Ms: 2, serverUs: 3, valkeyUs: 4, loadUs: 5 });
  const comparison: Comparison = {
    title: 'read: one user, <five> features',
    unit: 'requests',
    baselines: ['theirs'],
    measured: [
      { contender: 'Freshet', settings: '', turns: [10, 200, 30].map(turn) },
      { contender: 'theirs', settings: 'HMGET', turns: [5, 100, 10].map(turn) },
    ],
  };
  expect(ratioTo(comparison, 'Freshet', 'theirs')).toBe(2);
  expect(ratioTo(comparison, 'Freshet', 'nobody')).toBeNull();
  expect(comparisonTable(comparison)).toMatch(/Freshet +30 +10 +200 +2\.00/);
  const machine = { processor: 'a & b', cores: 2, memoryGiB: 4, node: 'v24', valkey: 'Valkey 8', at: '2026-01-02T00' };
  const svg = chart([comparison], machine);
  expect(svg).toContain('a &#38; b');
  expect(svg).toContain('&#60;five&#62;');
  expect(svg.match(/class="bar( ours)?"/g)).toEqual(['class="bar ours"', 'class="bar"']);
});
