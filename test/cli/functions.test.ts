import type { Redis } from 'iovalkey';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { views } from '../../schema/index.ts';
import { Engine, KeyNames, libraryNameOf, runningProcesses } from '../../src/engine/index.ts';
import { connect, SingleServer } from '../../src/valkey/index.ts';
import { Edition } from '../support/edition.ts';
import type { Ended } from '../support/ended.ts';
import { singleAddress } from '../support/single-address.ts';
import { ThrowawayValkey } from '../support/throwaway-valkey.ts';
import { until } from '../support/until.ts';

/** Each test starts several processes, which on a loaded machine takes its time. */
const patienceMs = 120_000; // 2 minutes

const own = libraryNameOf(views);
const feature = "bigTxnCount24h: count({ window: '24h', where: { amount: { gte: 1000 } } }),\n    txnCount1m:";

let server: ThrowawayValkey;
let valkey: Redis;

beforeEach(async () => {
  server = await ThrowawayValkey.create();
  await server.start();
  valkey = connect(singleAddress(server.url), { commandTimeoutMs: 20_000 });
});

afterEach(async () => {
  valkey.disconnect();
  await server.destroy();
});

const here = () => new Edition();
const grown = () => new Edition(['schema/user.ts', 'txnCount1m:', feature]);
const given = (prefix = 'fs') => ({ VALKEY_URL: server.url, FRESHET_KEY_PREFIX: prefix });

function functions(...args: string[]): Promise<Ended> {
  return here().run('functions', args, given());
}

async function loaded(): Promise<string[]> {
  const reply = (await valkey.call('FUNCTION', 'LIST')) as [string, string][];
  return reply.map(([, name]) => name).sort();
}

/** As a deployment leaves it that has ended. */
async function loadedOnce(prefix = 'fs'): Promise<void> {
  await Engine.open({ servers: new SingleServer(valkey), views, keyPrefix: prefix, clock: 'wall' });
}

/** The name of the library of an edition that runs. */
async function libraryOf(prefix: string): Promise<string> {
  const [process] = await until(async () => {
    const found = await runningProcesses(new SingleServer(valkey), new KeyNames(prefix));
    return found.length > 0 && found;
  });
  return process?.library ?? '';
}

describe('npm run functions', { timeout: patienceMs }, () => {
  test('lists what is loaded, what it serves, and which processes call it under which prefix', async () => {
    await loadedOnce();
    const api = grown().start(given('other'));
    await api.listening();
    const theirs = await libraryOf('other');
    expect(theirs).not.toBe(own);

    const { status, stdout } = await functions();
    expect(status).toBe(0);
    expect(stdout).toMatch(
      new RegExp(
        `^${own} {2}\\d+ KiB, of the definitions here\n {2}serves {2}user_risk_profile v1, merchant_activity v1\n {2}used {4}by no process that says so$`,
        'm',
      ),
    );
    expect(stdout).toMatch(new RegExp(`^${theirs} .*of other definitions`, 'm'));
    expect(stdout).toContain(`by process ${api.child.pid} on`);
    expect(stdout).toContain('under the prefix other, since ');

    const json = JSON.parse((await functions('--json')).stdout);
    expect(json).toHaveLength(2);
    expect(json.find(({ name }: { name: string }) => name === theirs)).toMatchObject({
      isOwn: false,
      users: [{ prefix: 'other', process: { pid: api.child.pid, library: theirs } }],
    });
  });

  test('says so where there are none, and changes nothing', async () => {
    expect((await functions()).stdout).toContain('There are no function libraries of Freshet.');
    expect(await valkey.dbsize()).toBe(0);
    expect(await loaded()).toEqual([]);
  });

  test('says how it is called, and what to do where no store is', async () => {
    for (const args of [['list', 'more'], ['nonsense'], ['--dry-run'], ['prune', '--json'], ['--dry']]) {
      expect(await functions(...args)).toMatchObject({
        status: 2,
        stderr: expect.stringContaining('npm run functions --'),
      });
    }
    const away = await here().run('functions', [], { VALKEY_URL: 'valkey://user:secret@127.0.0.1:1' });
    expect(away).toMatchObject({
      status: 3,
      stderr: expect.stringMatching(/^valkey:\/\/127\.0\.0\.1:1\/0: .*See that/),
    });
  });
});

describe('npm run functions -- prune', { timeout: patienceMs }, () => {
  const foreign = "#!lua name=freshet_not_ours\nserver.register_function('theirs', function() return 1 end)";
  const old =
    '#!lua name=freshet_0123456789ab\nlocal version = 1\nserver.register_function("old", function() return 1 end)';

  test('removes what nobody calls, and leaves the rest', async () => {
    await loadedOnce();
    await valkey.call('FUNCTION', 'LOAD', foreign);
    await valkey.call('FUNCTION', 'LOAD', old);
    const api = grown().start(given('other'));
    const client = await api.listening();
    const theirs = await libraryOf('other');

    const dry = await functions('prune', '--dry-run');
    expect(dry).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^Would remove freshet_0123456789ab, [^\n]*\n[^\n]*: 1 removed if it were not/),
    });
    expect(await loaded()).toContain('freshet_0123456789ab');

    const { stdout } = await functions('prune');
    expect(stdout).toMatch(/^Removed freshet_0123456789ab, [^\n]*\n[^\n]*: 1 removed, 2 left\n$/);
    expect(await loaded()).toEqual([own, theirs, 'freshet_not_ours'].sort());

    // As soon as it has ended, what it called is free to go.
    await api.stop();
    await expect(client.get('/livez')).rejects.toThrow();
    await functions('prune');
    expect(await loaded()).toEqual([own, 'freshet_not_ours'].sort());
  });

  test('leaves what a process calls that was killed, until its note is over', async () => {
    const api = grown().start(given());
    await api.listening();
    const theirs = await libraryOf('fs');
    api.child.kill('SIGKILL');
    await api.exited;
    await functions('prune');
    expect(await loaded()).toEqual([theirs]);

    const [field = ''] = await valkey.hkeys('fs:processes');
    const note = JSON.parse((await valkey.hget('fs:processes', field)) ?? '');
    await valkey.hset('fs:processes', field, JSON.stringify({ ...note, until: Date.now() - 1 }));
    await functions('prune');
    expect(await loaded()).toEqual([]);
  });

  test('costs a process nothing but loading its library again, should that be removed all the same', async () => {
    const api = new Edition().start(given());
    const client = await api.listening();
    const ask = () => client.ask('{ user(id: "nobody") { riskProfile { txnCount1h } } }');
    await ask();
    await valkey.call('FUNCTION', 'DELETE', own);
    expect(await ask()).toMatchObject({ data: { user: { riskProfile: { txnCount1h: 0 } } }, errors: undefined });
    expect(await loaded()).toEqual([own]);
  });

  test('passes over keys of others that are named as notes are', async () => {
    await loadedOnce();
    await valkey.set('shop:processes', 'what is this');
    await valkey.hset('bank:processes', 'a', 'and this', 'b', 'null');
    expect(await functions('prune')).toMatchObject({ status: 0, stderr: '' });
    expect(await loaded()).toEqual([own]);
  });
});

describe('a process that runs', { timeout: patienceMs }, () => {
  test('leaves nothing of itself under its prefix when it has ended', async () => {
    const api = here().start(given());
    await api.listening();
    await libraryOf('fs');
    expect(await valkey.pttl('fs:processes')).toBeGreaterThan(0);
    await api.stop();
    expect(await valkey.exists('fs:processes')).toBe(0);
  });
});
