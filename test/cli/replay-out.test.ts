import { existsSync } from 'node:fs';
import { chmod, link, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { header, replay, testFolder } from './replay-command.ts';

const { file, path: inFolder } = testFolder();
const lines = [header, 't1,2024-01-01T00:00:00Z,u1,m1,10,0', 't2,2024-01-01T00:00:01Z,u1,m1,20,0'];

describe('--out', () => {
  it.each(['nowhere/out.csv', 'folder', 'history.csv/out.csv'])('says that it cannot write %s', async (name) => {
    const path = await file('history.csv', lines);
    await mkdir(inFolder('folder'), { recursive: true });
    const { status, stderr } = await replay('--out', inFolder(name), path);
    expect(stderr).toMatch(/^--out .*: cannot be written: E[A-Z]+: [a-z ]+\n$/);
    expect(status).toBe(3);
  });

  it.skipIf(!existsSync('/dev/full'))('says that the disk is full', async () => {
    const path = await file('history.csv', lines);
    const { status, stderr } = await replay('--out', '/dev/full', path);
    expect(stderr).toMatch(/^--out \/dev\/full: cannot be written: ENOSPC: [a-z ]+\n$/);
    expect(status).toBe(3);
    expect((await stat('/dev/full')).isCharacterDevice()).toBe(true);
  });

  it('refuses to overwrite its own input, by whatever name', async () => {
    const path = await file('input.csv', lines);
    await symlink(path, inFolder('symbolic.csv'));
    await link(path, inFolder('hard.csv'));
    for (const out of [path, `${dirname(path)}/./input.csv`, inFolder('symbolic.csv'), inFolder('hard.csv')]) {
      const { status, stderr } = await replay('--out', out, path);
      expect(stderr).toContain('is the input itself');
      expect(status).toBe(3);
    }
    expect(await readFile(path, 'utf8')).toBe(`${lines.join('\n')}\n`);
  });

  it('refuses an input that has a column of its own already, such as a training set', async () => {
    const path = await file('trained.csv', [`${header},user_risk_profile.txn_count_1h`, `${lines[1]},7`]);
    const { status, stderr } = await replay('--out', inFolder('retrained.csv'), path);
    expect(stderr).toMatch(/^--out .*: the input has a column user_risk_profile\.txn_count_1h already\n$/);
    expect(status).toBe(3);
    expect(existsSync(inFolder('retrained.csv'))).toBe(false);
  });

  it('replaces what bore the name before, through a link, and leaves nothing beside it', async () => {
    const path = await file('again.csv', lines);
    const folder = inFolder('outputs');
    await mkdir(folder);
    await writeFile(`${folder}/real.csv`, 'of an earlier run\n');
    await chmod(`${folder}/real.csv`, 0o600);
    await symlink(`${folder}/real.csv`, `${folder}/linked.csv`);
    expect(await replay('--out', `${folder}/linked.csv`, path)).toMatchObject({ status: 0 });
    expect((await readFile(`${folder}/real.csv`, 'utf8')).split('\n')).toHaveLength(4);
    expect((await stat(`${folder}/real.csv`)).mode & 0o777).toBe(0o600);
    expect((await readdir(folder)).sort()).toEqual(['linked.csv', 'real.csv']);
  });
});
