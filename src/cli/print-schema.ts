/**
 * Writes what is generated from the definitions: schema/schema.graphql, and the signatures of all features to
 * schema/definitions.json. With --check it writes nothing, and exits 1 if either differs.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { schema, views } from '../../schema/index.ts';
import { type Definitions, definitionConflicts, definitionsOf, definitionsText } from './definitions.ts';
import { schemaText } from './schema-text.ts';

const schemaFile = pathOf('schema.graphql');
const definitionsFile = pathOf('definitions.json');

const committed = JSON.parse(read(definitionsFile) ?? '{}') as Definitions;
const conflicts = definitionConflicts(committed, views);
if (conflicts.length > 0) fail(conflicts.map((conflict) => `${relative('', definitionsFile)}: ${conflict}`));

const generated = [
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
