import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Redis } from 'iovalkey';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import { views } from '../../schema/index.ts';
import { transaction } from '../../schema/transaction.ts';
import { Engine, type EventInput } from '../../src/engine/index.ts';
import { connect, SingleServer } from '../../src/valkey/index.ts';
import { ApiProcess, newKeyPrefix } from '../support/api.ts';
import { type Ended, ending } from '../support/ended.ts';
import { singleAddress } from '../support/single-address.ts';

const minuteMs = 60_000;
const hourMs = 3_600_000;
const then = Date.parse('2026-01-31T12:00:00Z');

let valkey: Redis;
beforeAll(() => {
  valkey = connect(singleAddress(inject('valkeyUrl')), { commandTimeoutMs: 20_000 });
});
afterAll(() => valkey.disconnect());

/** Runs the command as a user would. */
function explainWith(environment: NodeJS.ProcessEnv, ...args: string[]): Promise<Ended> {
  const { VALKEY_URL: _, ...env } = process.env;
  const child = spawn(process.execPath, ['src/cli/explain.ts', ...args], { env: { ...env, ...environment } });
  return ending(child);
}

const explain = (prefix: string, ...args: string[]) =>
  explainWith({ VALKEY_URL: inject('valkeyUrl'), FRESHET_KEY_PREFIX: prefix }, ...args);

/** What it says; it must have ended well. */
async function said(prefix: string, ...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await explain(prefix, ...args);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

function pay(userId: string, occurredAt: number, fields: EventInput = {}): EventInput {
  return {
    transactionId: crypto.randomUUID(),
    userId,
    merchantId: 'm',
    amount: 10,
    fraud: false,
    occurredAt,
    ...fields,
  };
}

/** Records under a prefix of its own, by the event clock unless told otherwise. */
async function recorded(
  events: readonly EventInput[],
  { clock = 'event', singles = 128 }: { clock?: 'event' | 'wall'; singles?: number } = {},
): Promise<string> {
  const keyPrefix = newKeyPrefix();
  const engine = await Engine.open({ servers: new SingleServer(valkey), views, keyPrefix, clock, singles });
  await engine.record(transaction, events);
  return keyPrefix;
}

/** Every key under a prefix, with what it holds and when it expires. */
async function everythingUnder(prefix: string): Promise<unknown[]> {
  const keys = (await valkey.keys(`${prefix}:*`)).sort();
  return Promise.all(keys.map(async (key) => [key, await valkey.dumpBuffer(key), await valkey.pexpiretime(key)]));
}

test('it explains a value to people, and to programs', async () => {
  const prefix = await recorded([pay('u1', then), pay('u1', then + hourMs - 1, { amount: 20.5 })]);
  const [text, json] = await Promise.all([
    said(prefix, 'USER', 'u1', 'txn_amount_1h'),
    said(prefix, '--json', 'user', 'u1', 'txnAmount1h'),
  ]);
  expect(text).toContain('User u1: txnAmount1h of user_risk_profile v1\n');
  expect(text).toMatch(/now +30\.5\n +how sure +exact\n/);
  expect(JSON.parse(json)).toMatchObject([
    {
      ...{ entity: 'User', id: 'u1', view: 'user_risk_profile', version: 1, clock: 'event', stored: true },
      now: '2026-01-31T12:59:59.999Z',
      vector: { asOf: '2026-01-31T12:59:59.999Z', outdated: false, eventSeq: 2 },
      features: [
        {
          ...{ name: 'txnAmount1h', value: 30.5, agrees: true, method: 'EXACT', lower: 30.5, upper: 30.5 },
          madeOf: {
            from: '2026-01-31T11:59:59.999Z',
            singles: 2,
            leaves: { at: '2026-01-31T13:00:00.000Z', events: 1 },
          },
          upcoming: [{ at: '2026-01-31T13:00:00.000Z', value: 20.5 }],
        },
      ],
      log: { singles: 2, tiles: 0 },
    },
  ]);
});

describe('it changes nothing', () => {
  test('of what it explains', async () => {
    const now = Date.now();
    const events = Array.from({ length: 40 }, (_, i) => pay('u1', now - minuteMs + 300 + i, { merchantId: `m${i}` }));
    const prefix = await recorded(events, { clock: 'wall', singles: 4 });
    const before = await everythingUnder(prefix);
    expect(before.length).toBeGreaterThan(40);
    const asked = [[], ['txnCount1m'], ['uniqueMerchants30d'], ['avgTxnAmount'], ['--json']];
    await Promise.all(asked.map((args) => said(prefix, 'user', 'u1', ...args)));
    await said(prefix, 'merchant', 'm1');
    expect(await everythingUnder(prefix)).toEqual(before);
  });

  test('where there is nothing, and says so', async () => {
    const [used, unused] = [await recorded([pay('u1', then)]), newKeyPrefix()];
    const before = await everythingUnder(used);
    const texts = await Promise.all([used, unused].map((prefix) => said(prefix, 'user', 'nobody')));
    for (const text of texts) expect(text).toContain('Nothing is stored of this User: ');
    expect(await everythingUnder(used)).toEqual(before);
    expect(await everythingUnder(unused)).toEqual([]);
  });
});

describe('it says what is wrong', () => {
  test('with a name that no definition has: what there is; and exits with 1', async () => {
    const { status, stderr } = await explain('unused', 'user', 'u1', 'txnCount2h');
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /^A User has no feature "txnCount2h"\. There are:\n {2}of user_risk_profile v1\n {4}txnCount1m\n/,
    );
    expect(await explain('unused', 'shop', 's1')).toEqual({
      status: 1,
      stdout: '',
      stderr: 'There is no entity type "shop". There are: user, merchant.\n',
    });
  });

  test('with the call: how it is made; and exits with 2', async () => {
    const calls = [['user'], ['user', 'u1', 'txnCount1h', 'more'], ['--jsn', 'user', 'u1']];
    for (const { status, stderr } of await Promise.all(calls.map((args) => explain('unused', ...args)))) {
      expect(status).toBe(2);
      expect(stderr).toContain('npm run explain -- [--json] ENTITY ID [FEATURE]');
    }
    expect(await explain('unused', 'user', '')).toMatchObject({ status: 2, stderr: "the User's id is empty\n" });
    expect(await explain('unused', '--help')).toMatchObject({ status: 0, stderr: '' });
  });

  test('with the settings: all of it; and exits with 3', async () => {
    const { status, stderr } = await explainWith({ VALKEY_URL: 'nonsense', FRESHET_CLOKC: 'event' }, 'user', 'u1');
    expect(status).toBe(3);
    expect(stderr).toMatch(/VALKEY_URL: expected valkey:[\s\S]*FRESHET_CLOKC: is not a setting/);
  });

  test('where no store is: what to do; and exits with 3', async () => {
    const away = await explainWith({ VALKEY_URL: 'valkey://user:secret@127.0.0.1:1' }, 'user', 'u1');
    expect(away.status).toBe(3);
    expect(away.stderr).toMatch(/^valkey:\/\/127\.0\.0\.1:1\/0: .*\. See that this Valkey runs/);

    const folder = await mkdtemp(join(tmpdir(), 'freshet-test-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const none = await explainWith({ FRESHET_DATA_DIR: folder }, 'user', 'u1');
    expect(none.status).toBe(3);
    expect(none.stderr).toBe(
      `No Freshet runs on the data directory ${folder}. Start it with npm start, or name the Valkey to look into with VALKEY_URL, or the data directory with FRESHET_DATA_DIR.\n`,
    );
  });
});

test('it looks into the Valkey that a running Freshet keeps for itself, and into none once that has ended', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'freshet-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const environment = { FRESHET_DATA_DIR: folder };
  const process = new ApiProcess(environment);
  onTestFinished(() => process.stop());
  const api = await process.listening();
  await api.ask('mutation ($input: TransactionInput!) { recordTransaction(input: $input) { status } }', {
    input: { transactionId: 't', userId: 'u1', merchantId: 'm', amount: 7 },
  });
  const { status, stdout } = await explainWith(environment, 'user', 'u1', 'txnAmount24h');
  expect(status).toBe(0);
  expect(stdout).toMatch(/now +7\n +how sure +exact\n/);
  process.child.kill('SIGTERM');
  await process.exited;
  expect(await explainWith(environment, 'user', 'u1')).toMatchObject({
    status: 3,
    stderr: expect.stringContaining('No Freshet runs on the data directory'),
  });
});
