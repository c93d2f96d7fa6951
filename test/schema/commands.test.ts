import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';

const repository = fileURLToPath(new URL('../..', import.meta.url));
let checkout: string;

beforeEach(() => {
  checkout = mkdtempSync(join(tmpdir(), 'freshet-schema-'));
  onTestFinished(() => rmSync(checkout, { recursive: true }));
  for (const part of ['package.json', 'schema', 'src']) {
    cpSync(join(repository, part), join(checkout, part), { recursive: true });
  }
  symlinkSync(join(repository, 'node_modules'), join(checkout, 'node_modules'));
});

/** Runs a command of the checkout by plain Node. */
function run(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, args, { cwd: checkout, encoding: 'utf8' });
}

const printSchema = (...options: string[]) => run('src/cli/print-schema.ts', ...options);
const read = (file: string) => readFileSync(join(checkout, file), 'utf8');

/** Changes one text in a file, as an engineer would. */
function edit(file: string, from: string, to: string): void {
  const text = read(file);
  expect(text).toContain(from);
  writeFileSync(join(checkout, file), text.replace(from, to));
}

const newFeature = "bigTxnCount24h: count({ window: '24h', where: { amount: { gte: 1000 } } }),\n    txnCount1m:";

describe('print-schema', () => {
  test('finds what is committed up to date', () => {
    expect(printSchema('--check')).toEqual(expect.objectContaining({ status: 0, stderr: '' }));
  });

  test('takes a feature that one line adds, once it is printed', () => {
    edit('schema/user.ts', 'txnCount1m:', newFeature);
    const stale = printSchema('--check');
    expect(stale.status).toBe(1);
    expect(stale.stderr).toMatch(/schema\.graphql differs from the definitions: run `npm run codegen`/);
    expect(stale.stderr).toMatch(/definitions\.json differs/);
    expect(read('schema/schema.graphql')).not.toContain('bigTxnCount24h');

    expect(printSchema().status).toBe(0);
    expect(read('schema/schema.graphql')).toContain('bigTxnCount24h: Int!');
    expect(read('schema/definitions.json')).toContain(
      '"bigTxnCount24h": "count() window=86400000 delay=0 where=amount.gte=1000 of',
    );
    expect(printSchema('--check').status).toBe(0);
  });

  test('refuses a field of which nobody has said who may ask for it, until somebody does', () => {
    const nickname = (authScopes: string) =>
      `fields: (t) => ({ nickname: t.string({ ${authScopes}resolve: ({ id }) => id }), riskProfile:`;
    edit('schema/user.ts', 'fields: (t) => ({ riskProfile:', nickname(''));
    for (const options of [['--check'], []]) {
      const refused = printSchema(...options);
      expect(refused.status).toBe(1);
      expect(refused.stderr).toMatch(/User\.nickname: nobody has said who may ask for it/);
    }
    edit('schema/user.ts', nickname(''), nickname("authScopes: { 'features:read': true }, "));
    expect(printSchema()).toMatchObject({ status: 0, stderr: '' });
    expect(read('schema/schema.graphql')).toContain('nickname: String');
  });

  test('refuses to change what a feature means, and writes nothing', () => {
    edit('schema/user.ts', "txnCount1h: count({ window: '1h' })", "txnCount1h: count({ window: '2h' })");
    edit('schema/user.ts', 'txnCount1m:', newFeature);
    for (const options of [[], ['--check']]) {
      const { status, stderr } = printSchema(...options);
      expect(status).toBe(1);
      expect(stderr).toMatch(
        /definitions\.json: view user_risk_profile v1, feature txnCount1h: was «.*window=3600000.*» and is now/,
      );
    }
    expect(read('schema/definitions.json')).not.toContain('bigTxnCount24h');
    expect(read('schema/schema.graphql')).not.toContain('bigTxnCount24h');
  });

  test('takes an entity, event and view that one file and its line in index.ts add', () => {
    writeFileSync(
      join(checkout, 'schema/device.ts'),
      `import { count, entity, event, view } from '../src/define/index.ts';
      import { builder } from './builder.ts';
      const login = event('Login', { description: 'A login.', id: 'loginId', time: 'at', fields: {
        loginId: { type: 'id', description: 'Its id.' },
        deviceId: { type: 'id', description: 'The device.' },
        at: { type: 'time', description: 'When.' },
      } });
      const device = entity('Device', { description: 'A device.' });
      export const logins = view('device_logins', { version: 1, entity: device, from: login, by: 'deviceId',
        description: 'Logins.', features: { count1h: count({ window: '1h' }) } });
      builder.entityType(device, { fields: (t) => ({ logins: t.featureView(logins) }) });
      builder.queryFields((t) => ({ device: t.entity(device), devices: t.entities(device) }));
      builder.mutationFields((t) => ({ recordLogin: t.record(login), recordLogins: t.recordMany(login) }));
      builder.subscriptionField('deviceLoginsUpdated', (t) => t.featureUpdates(logins));
      `,
    );
    edit('schema/index.ts', 'import { activity }', "import { logins } from './device.ts';\nimport { activity }");
    edit('schema/index.ts', '[riskProfile, activity]', '[riskProfile, activity, logins]');
    expect(printSchema().stderr).toBe('');
    const printed = read('schema/schema.graphql');
    expect(printed).toContain('deviceLoginsUpdated');
    expect(printed).toMatch(/type RecordLoginPayload \{[^}]*device: Device\n\}/);
    expect(run('src/cli/check-contract.ts', join(repository, 'schema/schema.graphql')).status).toBe(0);
  });
});

describe('check-contract', () => {
  test('passes a contract that the schema keeps', () => {
    expect(run('src/cli/check-contract.ts', 'schema/schema.graphql')).toMatchObject({ status: 0, stderr: '' });
  });

  test('says where the schema departs from it', () => {
    const contract = join(checkout, 'contract.graphql');
    const printed = read('schema/schema.graphql');
    writeFileSync(contract, printed.replace('txnCount1m: Int!', 'txnCount1m: Int').replace('users(', 'everyone('));
    const { status, stderr } = run('src/cli/check-contract.ts', contract);
    expect(status).toBe(1);
    expect(stderr).toContain('contract: UserRiskProfile.txnCount1m is Int!, and by the contract Int\n');
    expect(stderr).toContain('contract: Query.everyone was removed.\n');
  });

  test('says how it is called', () => {
    expect(run('src/cli/check-contract.ts')).toMatchObject({ status: 2, stderr: expect.stringContaining('usage:') });
  });
});

test('importing the schema connects to nothing', () => {
  const source = "await import('./schema/index.ts'); console.log(process.getActiveResourcesInfo().join());";
  const { status, stdout } = run('--input-type=module', '--eval', source);
  expect(status).toBe(0);
  expect(stdout).not.toMatch(/TCP|Timeout|DNS|GetAddrInfo/);
});

test('the generated documents run under plain Node', () => {
  const source = `
    const { schema } = await import('./schema/index.ts');
    const documents = await import('./schema/operations/generated.ts');
    const { validate } = await import('graphql');
    const operations = Object.entries(documents).filter(([name]) => name.endsWith('Document'));
    console.log(operations.length > 0 && operations.every(([, document]) => validate(schema, document).length === 0));
  `;
  expect(run('--input-type=module', '--eval', source)).toMatchObject({ status: 0, stdout: 'true\n' });
});
