import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Redis } from 'iovalkey';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { views } from '../../schema/index.ts';
import { transaction } from '../../schema/transaction.ts';
import type { View } from '../../src/define/index.ts';
import { Engine, type EventInput, libraryNameOf, servedValues, type Vector } from '../../src/engine/index.ts';
import { findServer, type ServerBinary } from '../../src/valkey/embedded/binary.ts';
import { findFreePort } from '../../src/valkey/embedded/launch.ts';
import { connect, SingleServer, startEmbeddedValkey } from '../../src/valkey/index.ts';
import { ApiProcess } from '../support/api.ts';
import { Mirror } from '../support/mirror.ts';
import { disagreements, valuesAt } from '../support/oracle.ts';
import { singleAddress } from '../support/single-address.ts';
import { until } from '../support/until.ts';
import { read } from './manifests.ts';

const program: ServerBinary = await findServer({ report: () => {} });
const folderOfTools = program.kind === 'program' ? dirname(program.command) : '';
const hasTools = ['valkey-cli', 'valkey-check-rdb', 'valkey-check-aof', 'valkey-server'].every((name) =>
  existsSync(join(folderOfTools, name)),
);

/** The commands under a heading of the document. */
function documented(heading: string): string {
  const section = read('ops/backup.md').split(`## ${heading}\n`)[1] ?? '';
  const commands = /```sh\n([\s\S]*?)```/.exec(section.split('\n## ')[0] ?? '')?.[1];
  if (!commands) throw new Error(`ops/backup.md has no commands under «${heading}»`);
  return commands;
}

/** Runs them as they stand there; @returns what they print. */
async function run(heading: string, variables: { readonly [name: string]: string }): Promise<string> {
  const { environment } = program as { readonly environment: NodeJS.ProcessEnv };
  const child = spawn('sh', ['-eu', '-c', documented(heading)], {
    env: { ...environment, PATH: `${folderOfTools}:${process.env.PATH}`, ...variables },
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  const status = await new Promise((resolve) => child.once('exit', resolve));
  expect(status, said).toBe(0);
  return said;
}

const customers = Array.from({ length: 12 }, (_, n) => `user_${n}`);
const start = Date.parse('2026-01-31T12:00:00Z');

/**
 * So far apart that an hour's are kept each on its own, and a day is longer than all that a fast machine records in a test: the edge of a window
 * that cuts payments which were put together is told by interpolation.
 */
const apartMs = 26_000;

/** The nth payment of a customer, at a shop where nobody else pays: so an entity has its payments in one order. */
function payment(customer: string, n: number): EventInput {
  return {
    transactionId: `${customer} ${n}`,
    userId: customer,
    merchantId: `shop of ${customer}`,
    amount: (n * 37) % 1_000,
    fraud: n % 10 === 0,
    occurredAt: start + n * apartMs,
  };
}

interface Source {
  readonly url: string;
  readonly dataDir: string;
  /** How many payments of a customer were answered. */
  answered(customer: string): number;
  /** Ends the load; how many payments of each customer were sent. */
  end(): Promise<void>;
}

let folder: string;
const closers: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'freshet-test-'));
});

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  await rm(folder, { recursive: true, force: true });
});

/** A Valkey that keeps its data, and an API on it that customers pay through, each one payment after the other, for ever. */
async function underLoad(): Promise<Source> {
  const dataDir = join(folder, 'source');
  const server = await startEmbeddedValkey({ persistent: true, dataDir, report: () => {} });
  closers.push(() => server.stop());
  const api = new ApiProcess({ VALKEY_URL: server.url, FRESHET_CLOCK: 'event' });
  closers.push(() => api.stop());
  const client = await api.listening();
  const counts = new Map(customers.map((customer) => [customer, 0]));
  let over = false;
  const paying = customers.map(async (customer) => {
    for (let n = 0; !over; n++) {
      const { occurredAt, ...input } = payment(customer, n);
      const { data } = await client.ask<{ readonly recordTransaction: { readonly status: string } }>(
        'mutation ($input: TransactionInput!) { recordTransaction(input: $input) { status } }',
        { input: { ...input, occurredAt: new Date(occurredAt as number).toISOString() } },
      );
      expect(data?.recordTransaction.status).toBe('RECORDED');
      counts.set(customer, n + 1);
    }
  });
  const ended = Promise.all(paying);
  ended.catch(() => {});
  // So many that old ones are put together.
  await until(() => Math.min(...counts.values()) > 200, 60_000);
  return {
    url: server.url,
    dataDir,
    answered: (customer) => counts.get(customer) ?? 0,
    async end() {
      over = true;
      await ended;
    },
  };
}

/** The Valkey that the documented commands have started. */
async function restored(port: string): Promise<Redis> {
  const valkey = connect(singleAddress(`valkey://127.0.0.1:${port}`));
  closers.push(async () => {
    await valkey.shutdown('NOSAVE').catch(() => {});
    valkey.disconnect();
  });
  await valkey.ping();
  return valkey;
}

/** In what a vector is wrong, if an entity's first so many payments were recorded and no others. */
function wrongIn(view: View, vector: Vector, customer: string): string[] {
  const mirror = new Mirror([view]);
  for (let n = 0; n < vector.eventSeq; n++) mirror.take(payment(customer, n));
  const history = mirror.history(view, vector.id);
  return disagreements(view, servedValues(vector), valuesAt(view, history, vector.asOf));
}

async function entities(
  engine: Engine,
): Promise<{ readonly view: View; readonly customer: string; readonly vector: Vector }[]> {
  const all = engine.views.map(async (view) => {
    const ids = customers.map((customer) => String(payment(customer, 0)[view.by]));
    const vectors = await engine.read(view, ids);
    return vectors.map((vector, i) => ({ view, customer: customers[i] as string, vector }));
  });
  return (await Promise.all(all)).flat();
}

const ways = [
  ['a snapshot', 'Take a snapshot', 'Restore a snapshot'],
  ['a copy of the append-only file', 'Copy the append-only file', 'Restore the append-only file'],
] as const;

describe.runIf(hasTools)(
  'a backup by the documented commands, taken under load and restored into a fresh Valkey',
  () => {
    test.each(ways)(
      '%s has each entity as it was at some moment meanwhile, and takes the rest when it is sent again',
      async (_, take, restore) => {
        const source = await underLoad();
        const backup = join(folder, 'backup');
        const dataDir = join(folder, 'restored');
        await Promise.all([mkdir(backup), mkdir(dataDir)]);
        // What is answered by now, `everysec` has brought to the file within two seconds.
        const sure = new Map(customers.map((customer) => [customer, source.answered(customer)]));
        const before = Date.now();
        await until(() => Date.now() - before > 2_500);
        await run(take, { VALKEY_URL: source.url, DATA_DIR: source.dataDir, BACKUP: backup });
        const most = new Map(customers.map((customer) => [customer, source.answered(customer) + 1]));
        await until(() => customers.every((customer) => source.answered(customer) > (most.get(customer) ?? 0) + 5));
        await source.end();

        const port = String(await findFreePort());
        await run(restore, { DATA_DIR: dataDir, BACKUP: backup, PORT: port });
        const valkey = await restored(port);
        const said = await run('Prove that it is whole', { PORT: port });
        expect(said).toMatch(/^db0:keys=\d+/m);
        // Functions are part of it.
        expect(said).toContain(libraryNameOf(views));
        expect((await valkey.config('GET', 'appendonly')) as string[]).toEqual(['appendonly', 'yes']);

        const options = { servers: new SingleServer(valkey), views, keyPrefix: 'fs', clock: 'event' } as const;
        const engine = await Engine.open(options);
        const found = await entities(engine);
        expect(found).toHaveLength(2 * customers.length);
        for (const { view, customer, vector } of found) {
          expect(vector.eventSeq).toBeGreaterThanOrEqual(sure.get(customer) as number);
          expect(vector.eventSeq).toBeLessThanOrEqual(most.get(customer) as number);
          expect(wrongIn(view, vector, customer)).toEqual([]);
        }
        expect(engine.lostCompanions).toBe(0);
        // It cannot be taken for what it is not.
        await expect(Engine.open({ ...options, clock: 'wall' })).rejects.toMatchObject({ code: 'STORE_INCOMPATIBLE' });

        for (const customer of customers) {
          const all = Array.from({ length: source.answered(customer) }, (_, n) => payment(customer, n));
          const recorded = found.find((one) => one.customer === customer)?.vector.eventSeq ?? 0;
          const outcomes = await engine.record(transaction, all.slice(recorded - 100));
          const statuses = outcomes.map(({ status }) => status);
          expect(statuses.slice(0, 99)).toEqual(Array(99).fill('DUPLICATE'));
          expect(new Set(statuses.slice(101))).toEqual(new Set(['RECORDED']));
        }
        for (const { view, customer, vector } of await entities(engine)) {
          expect(vector.eventSeq).toBe(source.answered(customer));
          expect(wrongIn(view, vector, customer)).toEqual([]);
        }
      },
      120_000,
    );
  },
);
