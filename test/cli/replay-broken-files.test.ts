import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { openTransactions } from '../../src/cli/replay/rows.ts';
import { header, replay, testFolder } from './replay-command.ts';

const { file, path: inFolder } = testFolder();

const row = (i: number) => `t${i},${new Date(1_704_067_200_000 + i * 1_000).toISOString()},u${i % 97},m1,${i + 0.25},0`;
const rows = (count: number) => Array.from({ length: count }, (_, i) => row(i));

describe('a row whose quotes are broken', () => {
  it('is reported by its line and spoils no other', async () => {
    const path = await file('quotes.csv.gz', [
      header,
      row(1),
      't2,2024-01-01T00:00:02Z,"u2,m1,10,0',
      row(3),
      '"t4,2024-01-01T00:00:04Z,u4,m1,10,0',
      row(5),
    ]);
    const { status, stderr } = await replay(path);
    expect(stderr).toContain('quotes.csv.gz:3: opens a quote and never closes it');
    expect(stderr).toContain('quotes.csv.gz:5: opens a quote and never closes it');
    expect(stderr).toContain('5 rows: 3 recorded, 0 duplicates, 0 too late, 2 unusable');
    expect(status).toBe(2);
  });

  it('in the header is said to be there', async () => {
    const path = await file('quoted-header.csv', [`"${header}`, row(1)]);
    expect(await replay(path)).toMatchObject({
      status: 3,
      stderr: expect.stringContaining('quoted-header.csv:1: the header opens a quote'),
    });
  });
});

describe('a well-formed file', () => {
  it('may quote fields, end its lines by CRLF, begin with a byte order mark, and hold any character of Unicode', async () => {
    const path = inFolder('windows.csv');
    const lines = [
      `\uFEFF"transaction_id",${header.slice(header.indexOf(',') + 1)}`,
      '"t,1","2024-01-01T00:00:01Z","the ""first"" user",m1,"10",0',
      '',
      't2,2024-01-01T00:00:02Z,a\u2028b,m1,20,0',
      't3,2024-01-01T00:00:03Z,the "first" user,m1,30,0',
    ];
    await writeFile(path, lines.join('\r\n')); // the last line without an end
    const out = inFolder('windows-out.csv');
    const { status, stderr } = await replay('--out', out, path);
    expect(stderr).toContain('3 rows: 3 recorded, 0 duplicates, 0 too late, 0 unusable');
    expect(status).toBe(0);
    const [names = '', first = '', ...others] = (await readFile(out, 'utf8')).trim().split('\n');
    expect(names.startsWith('transaction_id,')).toBe(true);
    expect(first.startsWith('"t,1",2024-01-01T00:00:01Z,"the ""first"" user",m1,10,0,1,')).toBe(true);
    expect(others.map((line) => line.split(',')[5])).toEqual(['0', '0']);
  });

  it('has no line of a megabyte', async () => {
    const path = await file('long.csv.gz', [header, row(1), 'x'.repeat(3_000_000), row(3)]);
    const { status, stderr } = await replay(path);
    expect(stderr).toContain('long.csv.gz:3: is longer than');
    expect(stderr).toContain('3 rows: 2 recorded');
    expect(status).toBe(2);
  });
});

describe('a gzip file that breaks off', () => {
  it('is replayed up to its last whole line', async () => {
    const whole = gzipSync([header, ...rows(5_000)].join('\n'), { level: 0 }); // stored: each byte is where it was
    const path = inFolder('truncated.csv.gz');
    await writeFile(path, whole.subarray(0, whole.length / 2));
    const [, recorded = 0] = await recordedOf(path, 'its gzip data is truncated');
    const linesBefore =
      whole
        .subarray(0, whole.length / 2)
        .toString('latin1')
        .split('\n').length - 1;
    expect(recorded).toBe(linesBefore - 1); // but the header
  });

  it('is replayed up to where it is corrupt', async () => {
    const whole = gzipSync([header, ...rows(12_000)].join('\n'));
    const middle = Math.floor(whole.length / 2);
    whole.fill(0xff, middle, middle + 100);
    const path = inFolder('corrupt.csv.gz');
    await writeFile(path, whole);
    const [, recorded = 0] = await recordedOf(path, 'its gzip data is corrupt');
    expect(recorded).toBeGreaterThan(3_000);
  });

  it('is replayed whole before what follows it and is no gzip', async () => {
    const path = inFolder('trailing.csv.gz');
    await writeFile(path, Buffer.concat([gzipSync([header, ...rows(300), ''].join('\n')), Buffer.from('garbage')]));
    const [read, recorded] = await recordedOf(path, 'its gzip data is corrupt');
    expect([read, recorded]).toEqual([300, 300]);
  });

  it('may be of several members, and padded with zeros', async () => {
    const path = inFolder('padded.csv.gz');
    const members = [[header], rows(300)].map((lines) => gzipSync(lines.map((line) => `${line}\n`).join('')));
    await writeFile(path, Buffer.concat([...members, Buffer.alloc(512)]));
    expect(await replay(path)).toMatchObject({ status: 0, stderr: expect.stringContaining('300 rows: 300 recorded') });
  });

  it('leaves no half training set under its name', async () => {
    const whole = gzipSync([header, ...rows(50)].join('\n'));
    const path = inFolder('cut.csv.gz');
    await writeFile(path, whole.subarray(0, -20));
    const out = inFolder('kept.csv');
    await writeFile(out, 'of an earlier run\n');
    const { status, stderr } = await replay('--out', out, path);
    expect(stderr).toContain(`${out} was not written`);
    expect(status).toBe(3);
    expect(await readFile(out, 'utf8')).toBe('of an earlier run\n');
  });

  async function recordedOf(path: string, reason: string): Promise<number[]> {
    const { status, stderr } = await replay(path);
    expect(stderr).toContain(reason);
    expect(stderr).not.toContain('    at '); // no stack
    const counts = /(\d+) rows: (\d+) recorded/.exec(stderr) ?? [];
    expect(status).toBe(3);
    return counts.slice(1).map(Number);
  }
});

describe('a header', () => {
  it.each([
    ['amount twice', `${header},amount`, 'names amount twice'],
    ['two columns without a name', `${header},,`, 'names a column "" twice'],
    ['two columns for the user', `${header},customer_id`, 'names both user_id and customer_id'],
    ['two columns for the merchant', `terminal_id,${header}`, 'names both merchant_id and terminal_id'],
  ])('with %s is refused, for nothing tells which is meant', async (_, names, fault) => {
    const path = await file('ambiguous.csv', [names]);
    await expect(openTransactions(path)).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
      message: `${path}: cannot be read: the header ${fault}`,
    });
  });
});

describe('a file of several', () => {
  it('that cannot be used at all is named, and keeps none of the others from being replayed', async () => {
    const truncated = inFolder('first.csv.gz');
    await writeFile(truncated, gzipSync([header, ...rows(50)].join('\n')).subarray(0, -20));
    const folder = inFolder('a-folder.csv');
    await mkdir(folder);
    const empty = inFolder('empty.csv');
    await writeFile(empty, '');
    const headless = await file('headless.csv', ['transaction_id,amount', 't1,10']);
    const last = await file('last.csv', [header, 'last,2024-02-01T00:00:00Z,u1,m1,10,0']);
    const { status, stderr } = await replay(truncated, inFolder('nowhere.csv'), folder, empty, headless, last);
    expect(stderr).toContain('first.csv.gz: cannot be read past line ');
    expect(stderr).toContain('nowhere.csv: cannot be read: ENOENT: no such file or directory\n');
    expect(stderr).toContain('a-folder.csv: cannot be read: EISDIR');
    expect(stderr).toContain('empty.csv: cannot be read: it is empty\n');
    expect(stderr).toContain('headless.csv: cannot be read: the header lacks occurred_at');
    expect(stderr).toContain('last.csv: 1 rows: 1 recorded');
    expect(status).toBe(3);
  });
});
