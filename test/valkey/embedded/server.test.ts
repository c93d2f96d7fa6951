import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { findDocker } from '../../../src/valkey/embedded/docker.ts';
import { findFreePort } from '../../../src/valkey/embedded/launch.ts';
import { isRunning } from '../../../src/valkey/embedded/process-identity.ts';
import { ask, type Reply } from '../../../src/valkey/embedded/resp.ts';
import { type EmbeddedValkey, startEmbeddedValkey } from '../../../src/valkey/embedded/server.ts';
import { until } from '../../support/until.ts';
import { ownerProcess } from './owner-process.ts';

const report = (): void => {};
const directories: string[] = [];

function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'embedded-test-'));
  directories.push(directory);
  return directory;
}

afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

async function startOn(dataDir: string): Promise<EmbeddedValkey> {
  const valkey = await startEmbeddedValkey({ persistent: true, dataDir, report });
  onTestFinished(() => valkey.stop());
  return valkey;
}

function command(valkey: { readonly url: string }, ...words: string[]): Promise<Reply> {
  return ask(Number(new URL(valkey.url).port), words, 20_000);
}

describe('an embedded Valkey', () => {
  it('answers once it has started, and is gone once stopped', async () => {
    const valkey = await startOn(newDirectory());
    expect(await command(valkey, 'PING')).toBe('PONG');
    await valkey.stop();
    expect(await valkey.exited).toMatchObject({ code: 0 });
    await expect(command(valkey, 'PING')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('can be stopped twice', async () => {
    const valkey = await startOn(newDirectory());
    await Promise.all([valkey.stop(), valkey.stop()]);
    await valkey.stop();
  });

  it('keeps its data over a restart, in a directory of any name', async () => {
    const dataDir = join(newDirectory(), 'a new "one", d\'été');
    const first = await startOn(dataDir);
    await command(first, 'SET', 'kept', 'yes');
    await first.stop();
    const second = await startOn(dataDir);
    expect(await command(second, 'GET', 'kept')).toBe('yes');
  });

  it('is started only when it has loaded all its data', async () => {
    const dataDir = newDirectory();
    const first = await startOn(dataDir);
    await command(first, 'EVAL', 'for i = 1, 200000 do server.call("SET", "k" .. i, i) end', '0');
    await first.stop();
    const second = await startOn(dataDir);
    expect(await command(second, 'DBSIZE')).toBe(200_000);
  });

  it('flushes its append-only file every second and takes no snapshots', async () => {
    const valkey = await startOn(newDirectory());
    expect(await command(valkey, 'CONFIG', 'GET', 'appendfsync')).toEqual(['appendfsync', 'everysec']);
    expect(await command(valkey, 'CONFIG', 'GET', 'appendonly')).toEqual(['appendonly', 'yes']);
    expect(await command(valkey, 'CONFIG', 'GET', 'save')).toEqual(['save', '']);
  });

  it('is reachable by the loopback only', async () => {
    const valkey = await startOn(newDirectory());
    expect(valkey.url).toMatch(/^valkey:\/\/127\.0\.0\.1:\d+$/);
    const outside = Object.values(networkInterfaces())
      .flat()
      .find((address) => address?.family === 'IPv4' && !address.internal);
    if (outside === undefined) return;
    // Its port is free on every other address, so we can have it there.
    const probe = createServer();
    await new Promise<void>((resolve, reject) => {
      probe.once('error', reject);
      probe.listen({ host: outside.address, port: Number(new URL(valkey.url).port) }, resolve);
    });
    probe.close();
  });

  it('takes another port when somebody was quicker to take the first', async () => {
    const taken = await startOn(newDirectory());
    const ports = [Number(new URL(taken.url).port)];
    const valkey = await startEmbeddedValkey({
      persistent: false,
      report,
      choosePort: async () => ports.shift() ?? findFreePort(),
    });
    onTestFinished(() => valkey.stop());
    expect(ports).toEqual([]);
    expect(valkey.url).not.toBe(taken.url);
    expect(await command(valkey, 'PING')).toBe('PONG');
    expect(await command(taken, 'PING')).toBe('PONG');
  });

  it('says in its own words why it cannot start', async () => {
    const dataDir = newDirectory();
    mkdirSync(join(dataDir, 'appendonlydir'));
    writeFileSync(join(dataDir, 'appendonlydir', 'appendonly.aof.manifest'), 'this is no manifest\n');
    const start = startEmbeddedValkey({ persistent: true, dataDir, report });
    await expect(start).rejects.toMatchObject({ code: 'VALKEY_START_FAILED' });
    await expect(start).rejects.toThrow(/did not start: it ended with status 1\. Its last words:\n.*manifest/s);
    // And lets go of the directory.
    expect(readdirSync(dataDir)).toEqual(['appendonlydir']);
  });

  it('says when its directory cannot be one', async () => {
    const file = join(newDirectory(), 'file');
    writeFileSync(file, '');
    const start = startEmbeddedValkey({ persistent: true, dataDir: join(file, 'data'), report });
    await expect(start).rejects.toMatchObject({ code: 'DATA_DIRECTORY_UNUSABLE' });
    await expect(start).rejects.toThrow(/FRESHET_DATA_DIR/);
  });

  it('ends with a process that exits without stopping it', async () => {
    const dataDir = newDirectory();
    const owner = await ownerProcess('start', dataDir);
    const outcome = await owner.go();
    if (!outcome.held || outcome.url === null || outcome.serverPid === null) throw new Error(JSON.stringify(outcome));
    const { url, serverPid } = outcome;
    await command({ url }, 'SET', 'kept', 'yes');
    await owner.end('exit');
    await until(() => !isRunning({ pid: serverPid, startedAt: null }));
    const next = await startOn(dataDir);
    expect(await command(next, 'GET', 'kept')).toBe('yes');
  });
});

describe('a throw-away Valkey', () => {
  it('keeps nothing, and leaves nothing behind', async () => {
    const valkey = await startEmbeddedValkey({ persistent: false, report });
    const [, directory] = (await command(valkey, 'CONFIG', 'GET', 'dir')) as [string, string];
    expect(await command(valkey, 'CONFIG', 'GET', 'appendonly')).toEqual(['appendonly', 'no']);
    expect(existsSync(directory)).toBe(true);
    await valkey.stop();
    expect(existsSync(directory)).toBe(false);
  });
});

const docker = await findDocker(process.env, report).catch(() => null);

describe.runIf(docker !== null)('on a machine that has Docker only, an embedded Valkey', () => {
  it('runs in a container, and keeps its data with us', async () => {
    const folder = newDirectory();
    symlinkSync(docker?.command ?? '', join(folder, 'docker'));
    const options = {
      persistent: true,
      dataDir: join(folder, 'the "data", ours'),
      report,
      environment: { ...process.env, PATH: folder },
      installFolder: join(folder, 'nothing'),
    } as const;
    const first = await startEmbeddedValkey(options);
    onTestFinished(() => first.stop());
    await command(first, 'SET', 'kept', 'yes');
    await first.stop();
    expect(existsSync(join(options.dataDir, 'appendonlydir'))).toBe(true);
    const second = await startEmbeddedValkey(options);
    onTestFinished(() => second.stop());
    expect(second.version).toContain('valkey/valkey:');
    expect(await command(second, 'GET', 'kept')).toBe('yes');
  });
});
