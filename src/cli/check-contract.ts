/** Holds schema/schema.graphql against a contract: prints each departure from it and exits 1; additions pass. */
import { readFileSync } from 'node:fs';
import { buildSchema } from 'graphql';
import { contractDifferences } from './contract.ts';

const [contractFile, ...rest] = process.argv.slice(2);
if (contractFile === undefined || rest.length > 0) fail('usage: node src/cli/check-contract.ts CONTRACT.graphql', 2);

const contract = buildSchema(readFileSync(contractFile, 'utf8'));
const schema = buildSchema(readFileSync(new URL('../../schema/schema.graphql', import.meta.url), 'utf8'));
const differences = contractDifferences(contract, schema);
if (differences.length > 0) fail(differences.map((one) => `contract: ${one}`).join('\n'), 1);

function fail(message: string, status: number): never {
  process.stderr.write(`${message}\n`);
  process.exit(status);
}
