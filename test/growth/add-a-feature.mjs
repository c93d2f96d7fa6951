// A feature engineer's whole change: one line in schema/user.ts, then `npm run codegen`. Fails if it takes more.
import assert from 'node:assert/strict';
import { Deployment } from './deployment.mjs';

const generated = [
  'schema/definitions.json',
  'schema/operations/generated.ts',
  'schema/operations/schema-types.ts',
  'schema/schema.graphql',
];
const line = `    bigTxnCount24h: count({ window: '24h', where: { amount: { gte: 1000 } } }),`;

await Deployment.use(async (deployment) => {
  const before = deployment.read('schema/user.ts');
  deployment.write('schema/user.ts', before.replace(/( {4}txnCount24h: .*\n)/, `$1${line}\n`));
  deployment.run('npm', 'run', '--silent', 'codegen');

  assert.deepEqual(deployment.changedLines('schema/user.ts'), [1, 0], 'one line was added');
  const changed = deployment.changedFiles();
  assert.ok(changed.includes('schema/user.ts') && changed.includes('schema/schema.graphql'), `changed: ${changed}`);
  for (const file of changed) assert.ok(file === 'schema/user.ts' || generated.includes(file), `${file} changed too`);
  assert.match(deployment.read('schema/schema.graphql'), /bigTxnCount24h: Int!/);
  assert.match(deployment.read('schema/operations/schema-types.ts'), /bigTxnCount24h: /, 'the generated types know it');

  const { ask, valkey } = await deployment.start();
  const record = (id, amount) =>
    ask(`mutation { recordTransaction(input: { transactionId: "${id}", userId: "u1", merchantId: "m1", amount: ${amount} }) {
      user { riskProfile { bigTxnCount24h txnCount24h } } } }`);
  await record('small', 999.99);
  const { recordTransaction } = await record('big', 1000);
  assert.deepEqual({ ...recordTransaction.user.riskProfile }, { bigTxnCount24h: 1, txnCount24h: 2 });
  assert.equal(await valkey.hget('fs:v1:user_risk_profile:{u1}', 'big_txn_count_24h'), '1');
  const { featureViews } = await ask('{ featureViews { name features { name hashField where } } }');
  const feature = featureViews
    .find(({ name }) => name === 'user_risk_profile')
    .features.find(({ name }) => name === 'bigTxnCount24h');
  assert.equal(feature.hashField, 'big_txn_count_24h');
  assert.match(feature.where, /amount/);
  process.stdout.write(
    `one line; also changed, all generated: ${changed.filter((file) => file !== 'schema/user.ts')}\n`,
  );
});
