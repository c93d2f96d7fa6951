import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { newKey } from '../../src/access/index.ts';
import { type ApiClient, ApiProcess, newKeyPrefix } from '../support/api.ts';
import { until } from '../support/until.ts';

const running: ApiProcess[] = [];
const folders: string[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.stop()));
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })));
});

function start(env: { readonly [name: string]: string }): ApiProcess {
  const api = new ApiProcess(env);
  running.push(api);
  return api;
}

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'freshet-test-'));
  folders.push(folder);
  return folder;
}

function record(api: ApiClient, userId: string) {
  return api.ask('mutation ($input: TransactionInput!) { recordTransaction(input: $input) { status } }', {
    input: { transactionId: randomUUID(), userId, merchantId: 'm', amount: 1 },
  });
}

async function count(api: ApiClient, userId: string): Promise<unknown> {
  const { data } = await api.ask('query ($id: ID!) { user(id: $id) { riskProfile { txnCount1h } } }', { id: userId });
  return (data as { user: { riskProfile: { txnCount1h: number } } }).user.riskProfile.txnCount1h;
}

const given = () => ({ VALKEY_URL: inject('valkeyUrl'), FRESHET_KEY_PREFIX: newKeyPrefix() });

describe('the process', () => {
  it('serves from a Valkey of its own, which ends with it and keeps its data', async () => {
    const env = { FRESHET_DATA_DIR: await newFolder() };
    const first = start(env);
    const api = await first.listening();
    await record(api, 'u');
    first.child.kill('SIGTERM');
    expect(await first.exited).toBe(0);
    const second = await start(env).listening();
    expect(await count(second, 'u')).toBe(1);
  });

  it('says all that is wrong with its configuration, once, and ends', async () => {
    const api = start({ PORT: 'http', VALKEY_URL: 'valkey+cluster://a,,b', FRESHET_CLOKC: 'event' });
    expect(await api.exited).toBe(1);
    expect(api.output.trim().split('\n')).toEqual([
      'The configuration is wrong:',
      '  - PORT: expected a port from 0 to 65535, got "http"',
      expect.stringContaining('VALKEY_URL: expected a host'),
      expect.stringContaining('FRESHET_CLOKC: is not a setting'),
    ]);
  });

  it('says in one line that its port is taken, and takes its Valkey with it', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as { port: number };
    const env = { FRESHET_DATA_DIR: await newFolder(), LOG_LEVEL: 'silent' };
    const api = start({ ...env, PORT: String(port) });
    expect(await api.exited).toBe(1);
    expect(api.output).toMatch(new RegExp(`^Port ${port} on 127.0.0.1 is taken by another program: .*\\n$`, 'm'));
    other.close();
    // Its data is free again at once.
    await start(env).listening();
  });

  it('ends when its Valkey does', async () => {
    const api = start({ FRESHET_DATA_DIR: await newFolder() });
    const client = await api.listening();
    const address = await until(() => /Connected to valkey:\/\/127\.0\.0\.1:(\d+)/.exec(api.output)?.[1]);
    const { Redis } = await import('iovalkey');
    const valkey = new Redis(Number(address), '127.0.0.1', { retryStrategy: () => null });
    await valkey.shutdown('NOSAVE').catch(() => {});
    expect(await api.exited).toBe(1);
    expect(api.output).toMatch(/^The embedded Valkey ended with status 0\. Its last words:\n {2}\S/m);
    await expect(client.get('/livez')).rejects.toThrow();
  });

  it('says at any log level how its Valkey ended, unless it ended it itself', async () => {
    const folder = await newFolder();
    const api = start({ FRESHET_DATA_DIR: folder, LOG_LEVEL: 'silent' });
    await api.listening();
    const { valkeyPid } = JSON.parse(await readFile(join(folder, 'freshet.lock'), 'utf8')) as { valkeyPid: number };
    process.kill(valkeyPid, 'SIGKILL');
    expect(await api.exited).toBe(1);
    expect(api.output).toMatch(/^The embedded Valkey ended by SIGKILL\./m);

    const next = start({ FRESHET_DATA_DIR: folder });
    await next.listening();
    await next.stop();
    expect(next.output).not.toContain('The embedded Valkey ended');
  });

  it.runIf(process.platform === 'linux')('says that its data directory cannot be one where none can be', async () => {
    const api = start({ FRESHET_DATA_DIR: '/proc/freshet/data' });
    // One that spins hears no other signal.
    const impatience = setTimeout(() => api.child.kill('SIGKILL'), 20_000);
    expect(await api.exited).toBe(1);
    clearTimeout(impatience);
    expect(api.output).toMatch(
      /^The data directory \/proc\/freshet\/data cannot be used: ENOENT.* Set FRESHET_DATA_DIR/m,
    );
  });

  it.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)('that is ended by %s before it serves exits with %d', async (signal, status) => {
    const env = { FRESHET_DATA_DIR: await newFolder() };
    const first = start(env);
    await first.listening();
    const second = start(env);
    await until(() => second.output.includes('Waiting for process'));
    second.child.kill(signal);
    expect(await second.exited).toBe(status);
  });

  it('does not start under a prefix that belongs to another clock', async () => {
    const env = given();
    const wall = start(env);
    await wall.listening();
    const event = start({ ...env, FRESHET_CLOCK: 'event' });
    expect(await event.exited).toBe(1);
    expect(event.output).toMatch(/clock/);
    expect(event.output).not.toMatch(/ at .*\.ts:/);
  });

  it('does not wait for a password to become right', async () => {
    const api = start({ VALKEY_URL: inject('valkeyUrl').replace('//', '//nobody:wrong@') });
    expect(await api.exited).toBe(1);
    expect(api.output).toContain('Valkey refuses the user name or password');
    expect(api.output).not.toContain('wrong@');
  });

  it('prints nothing but JSON lines where nobody watches, and where it listens at any level', async () => {
    const api = start({ FRESHET_DATA_DIR: await newFolder(), LOG_LEVEL: 'silent' });
    await api.listening();
    await api.stop();
    for (const line of api.output.trim().split('\n'))
      expect(JSON.parse(line)).toMatchObject({ msg: expect.any(String) });
    expect(api.output).toMatch(/http:\/\/127\.0\.0\.1:\d+/);
  });

  it('does not start where others can reach it and nobody would be asked who they are, unless that is said aloud', async () => {
    const refused = start({ ...given(), HOST: '0.0.0.0' });
    expect(await refused.exited).toBe(1);
    expect(refused.output).toMatch(/ {2}- HOST: 0\.0\.0\.0 can be reached by others.*FRESHET_AUTH=none/);
    const api = start({ ...given(), HOST: '0.0.0.0', FRESHET_AUTH: 'none' });
    await api.listening();
    expect(api.output).toMatch(/"level":40.*HOST is 0\.0\.0\.0, and FRESHET_AUTH none/);
  });

  it('asks who they are as soon as there are keys, whose file it reads anew, and never tells one', async () => {
    const file = join(await newFolder(), 'keys.json');
    const [first, second] = [newKey('first', ['admin']), newKey('second', ['admin', 'features:read:Usr'])];
    await writeFile(file, JSON.stringify({ keys: [first.entry] }));
    const settings = { ...given(), LOG_LEVEL: 'trace', FRESHET_API_KEYS_FILE: file };
    const running = start(settings);
    const api = await running.listening();
    const statusFor = async ({ secret }: { readonly secret: string }) =>
      (await api.ask('{ __typename }', {}, { authorization: `Bearer ${secret}` })).status;
    expect((await api.ask('{ __typename }')).status).toBe(401);
    expect([await statusFor(first), await statusFor(second)]).toEqual([200, 401]);
    await writeFile(file, '{');
    await until(() => /"level":50.*is not JSON.*cannot be used/.test(running.output));
    expect(await statusFor(first)).toBe(200);
    await writeFile(file, JSON.stringify({ keys: [second.entry] }));
    await until(async () => (await statusFor(second)) === 200);
    expect(await statusFor(first)).toBe(401);
    expect(running.output).toMatch(/"caller":"second"/);
    expect(running.output).toMatch(/"level":40.*"key":"second","name":"Usr"/);
    for (const { secret, entry } of [first, second]) {
      expect(running.output).not.toContain(secret.slice(4));
      expect(running.output).not.toContain(entry.sha256);
    }
    await writeFile(file, '{');
    const broken = start(settings);
    expect(await broken.exited).toBe(1);
    expect(broken.output).toMatch(/^\/.*keys\.json: is not JSON$/m);
  });
});
