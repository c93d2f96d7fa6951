/**
 * Writes what is generated from the definitions: schema/schema.graphql, and the signatures of all features to
 * schema/definitions.json; and the client documents by their hashes to schema/operations/trusted-documents.json. With --check it
 * writes nothing, and exits 1 if one of them differs.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { schema, views } from '../../schema/index.ts';
import { documentsByHash } from '../graphql/index.ts';
import { type Definitions, definitionConflicts, definitionsOf, definitionsText } from './definitions.ts';
import { schemaText } from './schema-text.ts';

const schemaFile = pathOf('schema.graphql');
const definitionsFile = pathOf('definitions.json');

const committed = JSON.parse(read(definitionsFile) ?? '{}') as Definitions;
const conflicts = definitionConflicts(committed, views);
if (conflicts.length > 0) fail(conflicts.map((conflict) => `${relative('', definitionsFile)}: ${conflict}`));

const operations = readdirSync(pathOf('operations')).filter((name) => name.endsWith('.graphql'));
const trusted = documentsByHash(operations.sort().map((name) => read(pathOf(`operations/${name}`)) ?? ''));

const generated = [
  [pathOf('operations/trusted-documents.json'), `${JSON.stringify(trusted, null, 2)}\n`],
  [schemaFile, schemaText(schema)],
  [definitionsFile, definitionsText(definitionsOf(views))],
] as const;
const stale = generated.filter(([file, text]) => read(file) !== text);

if (process.argv.includes('--check')) {
  if (stale.length > 0) {
    fail(
      stale.map(
        ([file]) => `${relative('', file)} differs from the definitions: run \`npm run codegen\` and commit it`,
      ),
    );
  }
} else {
  for (const [file, text] of stale) writeFileSync(file, text);
}

function pathOf(name: string): string {
  return fileURLToPath(new URL(`../../schema/${name}`, import.meta.url));
}

function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function fail(messages: readonly string[]): never {
  process.stderr.write(`${messages.join('\n')}\n`);
  process.exit(1);
}
