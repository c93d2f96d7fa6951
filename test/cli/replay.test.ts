import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';

const header = 'transaction_id,occurred_at,user_id,merchant_id,amount,fraud';
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'freshet-replay-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs the command as a user would, into the tests' Valkey under a fresh prefix. */
async function replay(...args: string[]): Promise<{ status: number | null; stderr: string }> {
  const where = ['--valkey', inject('valkeyUrl'), '--prefix', `test-replay-${crypto.randomUUID()}`];
  const child = spawn(process.execPath, ['src/cli/replay.ts', ...where, ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { status, stderr };
}

async function file(name: string, lines: readonly string[]): Promise<string> {
  const path = join(folder, name);
  const text = `${lines.join('\n')}\n`;
  await writeFile(path, name.endsWith('.gz') ? gzipSync(text) : text);
  return path;
}

describe('replay', () => {
  it('writes each row with its features as of that row', async () => {
    const path = await file('history.csv', [
      header,
      't1,2024-01-01T00:00:00Z,u1,m1,10,0',
      't2,2024-01-01T00:00:30Z,u1,m2,20,1',
      't3,2024-01-01T00:01:00.000+00:00,u1,m2,60,0',
    ]);
    const out = join(folder, 'training.csv');
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
    ]);
    const { status, stderr } = await replay(path);
    expect(status).toBe(2);
    for (const line of [3, 4, 6, 7, 8, 9]) expect(stderr).toContain(`rough.csv:${line}: `);
    expect(stderr).toContain('9 rows: 2 recorded, 1 duplicates, 0 too late, 6 unusable');
  });

  it('says what is missing, and exits with 3, where it cannot run', async () => {
    const headless = await file('headless.csv', ['transaction_id,amount', 't1,10']);
    expect(await replay(headless)).toMatchObject({
      status: 3,
      stderr: expect.stringContaining('the header lacks occurred_at'),
    });
    expect(await replay(join(folder, 'nowhere.csv'))).toMatchObject({
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
});
