import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hasApt } from '../../../src/valkey/embedded/apt.ts';
import { findServer } from '../../../src/valkey/embedded/binary.ts';
import { isRunning } from '../../../src/valkey/embedded/process-identity.ts';
import { until } from '../../support/until.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'embedded-test-'));
  mkdirSync(join(folder, 'bin'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Searches with nothing but `bin` on the path, and nothing installed. */
async function search(environment: { readonly [name: string]: string } = {}) {
  const lines: string[] = [];
  const found = await findServer({
    environment: { PATH: join(folder, 'bin'), ...environment },
    installFolder: join(folder, 'installed'),
    report: (line) => lines.push(line),
  });
  return { found, lines };
}

function addProgram(name: string, prints: string): void {
  writeFileSync(join(folder, 'bin', name), `#!/bin/sh\necho '${prints}'\n`, { mode: 0o755 });
}

/** All that is on the path, but no server. */
function addProgramsOfThisMachine(): void {
  for (const directory of (process.env.PATH ?? '').split(':')) {
    for (const name of existsSync(directory) ? readdirSync(directory) : []) {
      const link = join(folder, 'bin', name);
      if (!/^(valkey|redis|docker)/.test(name) && !existsSync(link)) symlinkSync(join(directory, name), link);
    }
  }
}

describe('the search for a server', () => {
  it('takes a valkey-server on the path before a redis-server', async () => {
    addProgram('redis-server', 'Redis server v=7.2.4 sha=00000000:0 malloc=libc bits=64 build=0');
    addProgram('valkey-server', 'Valkey server v=8.1.0 sha=00000000:0 malloc=libc bits=64 build=0');
    expect((await search()).found).toMatchObject({
      version: 'Valkey 8.1.0',
      command: join(folder, 'bin/valkey-server'),
    });
  });

  it('takes a redis-server from version 7', async () => {
    addProgram('redis-server', 'Redis server v=7.0.15 sha=00000000:0 malloc=libc bits=64 build=0');
    expect((await search()).found).toMatchObject({ version: 'Redis 7.0.15' });
  });

  it('leaves an older one alone, and says so', async () => {
    addProgram('redis-server', 'Redis server v=6.2.0 sha=00000000:0 malloc=libc bits=64 build=0');
    await expect(search()).rejects.toThrow(/redis-server is Redis 6\.2\.0; Redis 7 or newer would serve/);
  });

  it('says what to install when there is nothing', async () => {
    const failing = search();
    await expect(failing).rejects.toMatchObject({ code: 'VALKEY_NOT_FOUND' });
    await expect(failing).rejects.toThrow(/Debian.*sudo apt-get install valkey-server/);
    await expect(failing).rejects.toThrow(/Ubuntu/);
    await expect(failing).rejects.toThrow(/Fedora:.*sudo dnf install valkey/);
    await expect(failing).rejects.toThrow(/macOS:.*brew install valkey/);
    await expect(failing).rejects.toThrow(/VALKEY_URL/);
  });

  it('does not take a Docker engine on another machine, which could not see our data', async () => {
    addProgram('docker', 'unused');
    await expect(search({ DOCKER_HOST: 'tcp://192.0.2.1:2375' })).rejects.toThrow(
      /DOCKER_HOST .* is not on this machine/,
    );
  });

  it('takes an installation along when its process ends', async () => {
    const pidFile = join(folder, 'apt-get.pid');
    for (const name of ['dpkg', 'dpkg-deb']) addProgram(name, 'amd64');
    writeFileSync(join(folder, 'bin/apt-get'), `#!/bin/sh\necho $$ > '${pidFile}'\nexec /bin/sleep 60\n`, {
      mode: 0o755,
    });
    const binary = new URL('../../../src/valkey/embedded/binary.ts', import.meta.url);
    const source = `import { findServer } from ${JSON.stringify(binary)};
      process.once('SIGTERM', () => process.exit(143));
      await findServer({ environment: { PATH: '${folder}/bin' }, installFolder: '${folder}/installed', report() {} });`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', source], { stdio: 'inherit' });
    const pid = await until(() => existsSync(pidFile) && (Number(readFileSync(pidFile, 'utf8')) || null));
    expect(readdirSync(join(folder, 'installed'))).toHaveLength(1);
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([143, null]);
    await until(() => !isRunning({ pid, startedAt: null }));
    expect(readdirSync(join(folder, 'installed'))).toEqual([]);
  });

  it.runIf(hasApt(process.env))(
    'installs Valkey from the package mirror of a slim Debian or Ubuntu, and but once',
    { timeout: 180_000 },
    async () => {
      addProgramsOfThisMachine();
      // A slim image comes without package lists.
      const [lists, configuration] = [join(folder, 'lists'), join(folder, 'apt.conf')];
      mkdirSync(join(lists, 'partial'), { recursive: true });
      writeFileSync(configuration, `Dir::State::lists "${lists}";\n`);
      const first = await search({ APT_CONFIG: configuration });
      expect(first.lines).toEqual([
        expect.stringContaining(`Installing Valkey into ${join(folder, 'installed')}`),
        expect.stringMatching(/^Installed Valkey \([\d.]+ s\)$/),
      ]);
      expect(first.found).toMatchObject({ kind: 'program', version: expect.stringMatching(/^Valkey \d/) });
      expect(dirname(first.found.command)).toBe(join(folder, 'installed/server/bin'));

      const second = await search();
      expect(second.lines).toEqual([]);
      expect(second.found.command).toBe(first.found.command);
    },
  );
});
