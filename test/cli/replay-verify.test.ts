import { describe, expect, it } from 'vitest';
import { header, replay, replayUnder, testFolder } from './replay-command.ts';

const { file } = testFolder();
const published = `${header},txn_count_1d,avg_amount_1d`;
const day = (date: number) => `2024-01-${String(date).padStart(2, '0')}T00:00:00Z`;

describe('--verify', () => {
  it('names the rows that it did not compare, and exits with 2', async () => {
    const path = await file('repeated.csv', [
      published,
      `t1,${day(1)},u1,m1,10,0,1,10`,
      `t1,${day(1)},u1,m1,10,0,7,7`,
      `t2,${day(2)},u1,m1,20,0,1,20`,
    ]);
    const { status, stderr } = await replay('--verify', path);
    expect(stderr).toContain('repeated.csv:3: not compared: a duplicate');
    expect(stderr).toContain('0 mismatches of 4 values; 1 rows were not compared: 1 duplicates');
    expect(status).toBe(2);
  });

  it('does not pass on what was replayed before', async () => {
    const path = await file('twice.csv', [published, `t1,${day(1)},u1,m1,10,0,1,10`]);
    const prefix = `test-replay-${crypto.randomUUID()}`;
    expect(await replayUnder(prefix, '--verify', path)).toMatchObject({ status: 0 });
    expect(await replayUnder(prefix, '--verify', path)).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('0 mismatches of 0 values; 1 rows were not compared: 1 duplicates'),
    });
  });

  it('names the rows that came too late', async () => {
    const path = await file('late.csv', [
      published,
      `t1,2026-01-01T00:00:00Z,u1,m1,10,0,1,10`,
      `t2,${day(1)},u1,m1,20,0,1,20`,
    ]);
    const { status, stderr } = await replay('--verify', path);
    expect(stderr).toContain('late.csv:3: not compared: too late');
    expect(stderr).toContain('1 rows were not compared: 1 too late');
    expect(status).toBe(2);
  });

  it('does not pass on a file without rows', async () => {
    const path = await file('rowless.csv', [published]);
    expect(await replay('--verify', path)).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('0 mismatches of 0 values'),
    });
  });

  it('takes no cell for a number that holds none', async () => {
    // Its merchant has no labels yet: the rate is null, which would be published as 0.
    const cells = ['', ' ', 'NaN', 'null', 'Infinity', '0x0', '1e999', '0 0'];
    const path = await file('numberless.csv', [
      `${header},fraud_rate_1d`,
      ...cells.map((cell, i) => `t${i},${day(1)},u${i},m1,10,0,${cell}`),
      `t9,${day(2)},u1,m1,10,0,0`,
    ]);
    const { status, stderr } = await replay('--verify', path);
    for (const [i, cell] of cells.entries())
      expect(stderr).toContain(
        `numberless.csv:${i + 2}: not compared: fraud_rate_1d is not a number: ${JSON.stringify(cell)}`,
      );
    expect(stderr).toContain('9 rows: 9 recorded');
    expect(stderr).toContain('0 mismatches of 1 values; 8 rows were not compared: 8 without a published number');
    expect(status).toBe(2);
  });
});
