import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { ending } from '../support/ended.ts';
import { header, replay, replayUnder, startReplay, testFolder } from './replay-command.ts';

const { file, path: inFolder } = testFolder();

describe('replay', () => {
  it('writes each row with its features as of that row', async () => {
    const path = await file('history.csv', [
      header,
      't1,2024-01-01T00:00:00Z,u1,m1,10,0',
      't2,2024-01-01T00:00:30Z,u1,m2,20,1',
      't3,2024-01-01T00:01:00.000+00:00,u1,m2,60,0',
    ]);
    const out = inFolder('training.csv');
    expect(await replay('--out', out, path)).toMatchObject({ status: 0 });
    const [names = [], ...rows] = (await readFile(out, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => line.split(','));
    const column = (name: string) => rows.map((row) => row[names.indexOf(name)]);
    expect(column('transaction_id')).toEqual(['t1', 't2', 't3']);
    expect(column('user_risk_profile.txn_count_1m')).toEqual(['1', '2', '2']); // a minute later t1 is out
    expect(column('user_risk_profile.txn_amount_24h')).toEqual(['10', '30', '90']);
    expect(column('user_risk_profile.last_txn_at')[2]).toBe('2024-01-01T00:01:00.000Z');
    expect(column('merchant_activity.txn_count_1h')).toEqual(['1', '1', '2']);
    expect(column('merchant_activity.fraud_rate_7d')).toEqual(['', '', '']);
  });

  it('compares published columns, shows what differs, and exits with 1', async () => {
    const rows = ['t1,2024-01-01T00:00:00Z,u1,m1,10,0,1,10', 't2,2024-01-01T01:00:00Z,u1,m1,20,0,2,15'];
    const right = await file('right.csv.gz', [`${header},txn_count_1d,avg_amount_1d`, ...rows]);
    const good = await replay('--verify', right);
    expect(good.stderr).toContain('0 mismatches of 4 values');
    expect(good.status).toBe(0);

    const wrong = await file('wrong.csv', [`${header},txn_count_1d,avg_amount_1d`, rows[0] ?? '', `${rows[1]}.1`]);
    const bad = await replay('--verify', wrong);
    expect(bad.stderr).toContain('wrong.csv:3: avg_amount_1d is 15.1, but avgTxnAmount24h was served as 15');
    expect(bad.stderr).toContain('1 mismatches of 4 values');
    expect(bad.status).toBe(1);
  });

  it('reports malformed rows by their line, goes on with the rest, and exits with 2', async () => {
    const path = await file('rough.csv', [
      header,
      't1,2024-01-01T00:00:00Z,u1,m1,10,0',
      't2,yesterday,u1,m1,10,0',
      't3,2024-01-01T00:00:01Z,u1,m1',
      '',
      't4,2024-01-01T00:00:02Z,u1,m1,much,0',
      't5,2024-01-01T00:00:03Z,,m1,10,0',
      't6,2024-01-01T00:00:04Z,u1,m1,1e16,0',
      't7,2024-01-01T00:00:05Z,u1,m1,10,maybe',
      't1,2024-01-01T00:00:06Z,u1,m1,10,0',
      't8,2024-01-01T00:00:07Z,u1,m1,10,',
      't9,2024-02-30T00:00:00Z,u1,m1,10,0',
      't10,2024-01-01T24:00:00Z,u1,m1,10,0',
      't11,2024-01-01T00:00:08Z,u1,m1,0x10,0',
    ]);
    const { status, stderr } = await replay(path);
    expect(status).toBe(2);
    for (const line of [3, 4, 6, 7, 8, 9, 12, 13, 14]) expect(stderr).toContain(`rough.csv:${line}: `);
    expect(stderr).toContain('12 rows: 2 recorded, 1 duplicates, 0 too late, 9 unusable');
  });

  it('says what is missing, and exits with 3, where it cannot run', async () => {
    const headless = await file('headless.csv', ['transaction_id,amount', 't1,10']);
    expect(await replay(headless)).toMatchObject({
      status: 3,
      stderr: expect.stringContaining('the header lacks occurred_at'),
    });
    expect(await replay(inFolder('nowhere.csv'))).toMatchObject({
      status: 3,
      stderr: expect.stringContaining('nowhere.csv'),
    });
    expect(await replay()).toMatchObject({ status: 3, stderr: expect.stringContaining('no file was named') });
  });

  it('refuses to verify a file without published columns', async () => {
    const path = await file('unpublished.csv', [header, 't1,2024-01-01T00:00:00Z,u1,m1,10,0']);
    expect(await replay('--verify', path)).toMatchObject({
      status: 3,
      stderr: expect.stringContaining('no published column'),
    });
  });

  it('refuses an address that is none, before it starts a Valkey', async () => {
    const path = await file('addressed.csv', [header, 't1,2024-01-01T00:00:00Z,u1,m1,10,0']);
    const temporary = inFolder('tmp-addressed');
    for (const address of ['', 'localhost:6379']) {
      // A server could not have a folder there.
      const { status, stderr } = await ending(startReplay(['--valkey', address, path], { TMPDIR: temporary }));
      expect(stderr).toBe(
        '--valkey: expected valkey://host:port/db, valkey+cluster://host:port,host:port or valkey+sentinel://host:port,host:port/name, or valkeys for TLS\n',
      );
      expect(status).toBe(3);
    }
  });

  it('refuses a prefix that the API would refuse', async () => {
    const path = await file('prefixed.csv', [header, 't1,2024-01-01T00:00:00Z,u1,m1,10,0']);
    for (const prefix of ['', 'a b', 'a\u0007b']) {
      const { status, stderr } = await replayUnder(prefix, path);
      expect(stderr).toContain(`--prefix ${JSON.stringify(prefix)}: `);
      expect(status).toBe(3);
    }
  });
});
