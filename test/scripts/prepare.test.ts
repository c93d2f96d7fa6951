import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { until } from '../support/until.ts';

const script = fileURLToPath(new URL('../../scripts/prepare.mjs', import.meta.url));

/** A clone in which nothing is installed. */
let clone: string;
beforeEach(() => {
  clone = realpathSync(mkdtempSync(join(tmpdir(), 'freshet-clone-')));
  onTestFinished(() => rmSync(clone, { recursive: true, force: true }));
  mkdirSync(join(clone, 'scripts'));
  copyFileSync(script, join(clone, 'scripts/prepare.mjs'));
  writeFileSync(join(clone, 'package-lock.json'), '{"packages":{}}');
});

/** Starts the script with an npm that does what these lines of shell say. */
function prepare(npm: string) {
  const programs = mkdtempSync(join(tmpdir(), 'freshet-npm-'));
  onTestFinished(() => rmSync(programs, { recursive: true, force: true }));
  writeFileSync(join(programs, 'npm'), `#!/bin/sh\n${npm}\n`, { mode: 0o755 });
  const child = spawn(process.execPath, [join(clone, 'scripts/prepare.mjs')], {
    env: { PATH: [programs, dirname(process.execPath), '/bin', '/usr/bin'].join(':') },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = once(child, 'close').then(([status]) => ({ status: status as number | null, stderr }));
  return { child, ended, said: () => stderr };
}

const installs = 'mkdir node_modules && echo installed >> log';

describe('preparing a clone', () => {
  it('installs once, when several begin at once, and leaves nothing of its own behind', async () => {
    const slow = prepare(`${installs}; while [ ! -e go ]; do sleep 0.01; done`);
    await until(() => existsSync(join(clone, 'log')));
    const other = prepare(installs);
    await until(() => other.said().includes('Waiting for another installation'));
    writeFileSync(join(clone, 'go'), '');
    expect(await Promise.all([slow.ended, other.ended])).toMatchObject([{ status: 0 }, { status: 0 }]);
    expect(readdirSync(clone).sort()).toEqual(['go', 'log', 'node_modules', 'package-lock.json', 'scripts']);
  });

  it('goes on where one was killed, and takes its lock', async () => {
    mkdirSync(join(clone, '.preparing'));
    utimesSync(join(clone, '.preparing'), 1, 1);
    expect(await prepare(installs).ended).toMatchObject({ status: 0 });
    expect(existsSync(join(clone, '.preparing'))).toBe(false);
  });

  it('names what to delete where it cannot', async () => {
    const lock = join(clone, '.preparing');
    writeFileSync(lock, 'no folder');
    utimesSync(lock, 1, 1);
    const { status, stderr } = await prepare(installs).ended;
    expect(status).toBe(1);
    expect(stderr).toContain(`delete ${lock}`);
    expect(stderr).not.toContain('    at ');
  });

  it('says what to do where the registry cannot be reached', async () => {
    const npm = `case "$1" in
      config) echo https://registry.example.com/ ;;
      *) echo 'npm error code ENOTFOUND' >&2; exit 1 ;;
    esac`;
    const { status, stderr } = await prepare(npm).ended;
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /^npm error code ENOTFOUND\n.*what npm says is above\.\n.*https:\/\/registry\.example\.com\//m,
    );
    expect(stderr).toMatch(/proxy.*start again\.\n$/);
  });
});
