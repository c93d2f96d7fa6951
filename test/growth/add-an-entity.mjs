// A whole new entity with its event and its view: one new file in schema/ and its line in schema/index.ts.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Deployment } from './deployment.mjs';

const generated = [
  'schema/definitions.json',
  'schema/operations/generated.ts',
  'schema/operations/schema-types.ts',
  'schema/schema.graphql',
];
const device = readFileSync(new URL('./device.example.txt', import.meta.url), 'utf8');

await Deployment.use(async (deployment) => {
  deployment.write('schema/device.ts', device);
  const index = deployment.read('schema/index.ts');
  deployment.write(
    'schema/index.ts',
    index
      .replace(/\n(?=import .* from '.\/merchant.ts')/, `\nimport { loginActivity } from './device.ts';\n`)
      .replace('[riskProfile, activity]', '[riskProfile, activity, loginActivity]'),
  );
  deployment.run('npm', 'run', '--silent', 'codegen');
  const changed = deployment.changedFiles();
  for (const file of changed) {
    assert.ok(['schema/device.ts', 'schema/index.ts', ...generated].includes(file), `${file} changed too`);
  }
  assert.deepEqual(deployment.changedLines('schema/index.ts'), [2, 1], 'the import, and the list of views');
  deployment.run('npx', '--no-install', 'tsc', '-p', '.');

  const { ask, valkey } = await deployment.start();
  const { recordLogin } =
    await ask(`mutation { recordLogin(input: { loginId: "l1", deviceId: "d1", userId: "u1", failed: true }) {
    status device { id loginActivity { loginCount1h failureRate24h uniqueUsers24h } } } }`);
  assert.equal(recordLogin.status, 'RECORDED');
  assert.deepEqual(recordLogin.device.loginActivity, { loginCount1h: 1, failureRate24h: 1, uniqueUsers24h: 1 });
  assert.equal(
    (await ask('{ device(id: "d1") { loginActivity { loginCount1h } } }')).device.loginActivity.loginCount1h,
    1,
  );
  assert.equal(await valkey.hget('fs:v1:login_activity:{d1}', 'login_count_1h'), '1');
  assert.match(deployment.read('schema/schema.graphql'), /loginActivityUpdated/);
  process.stdout.write(
    `one file and one line; also changed, all generated: ${changed.filter((file) => generated.includes(file))}\n`,
  );
});
