import { views } from '../../schema/index.ts';
import { type Config, readConfig } from '../config.ts';
import { Inspector, InvalidIdError } from '../engine/index.ts';
import { readArguments } from './arguments.ts';
import { type Explanation, explain } from './explain/explanation.ts';
import { explanationJson } from './explain/json.ts';
import { type Asked, findAsked, UnknownNameError } from './explain/names.ts';
import { explanationText } from './explain/text.ts';
import { withStore } from './store.ts';
import { UsageError } from './usage-error.ts';

const usage = `npm run explain -- [--json] ENTITY ID [FEATURE]

Tells what is behind a value: its definition, how sure it is, what its window holds, what leaves it next, and the keys and
bytes that it is stored in. Without a feature, all features of the entity in brief. It changes nothing.

  ENTITY     the type, such as user or merchant
  ID         the entity's id
  FEATURE    as in GraphQL (txnCount24h) or in the hash (txn_count_24h)
  --json     print JSON
  --help     print this

It looks into the Valkey at VALKEY_URL, or, where that is unset, into the one that a running npm start keeps in
FRESHET_DATA_DIR; under the key prefix FRESHET_KEY_PREFIX, by the clock that this prefix is of.

Exit status: 0, also if nothing is stored of the entity; 1 if there is no such type or feature; 2 if it was not called as
above; 3 if the store could not be looked into.
`;

async function main(): Promise<void> {
  const { values, positionals } = readArguments(
    {
      allowPositionals: true,
      options: { json: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
    },
    usage,
  );
  if (values.help) {
    process.stdout.write(usage);
    return;
  }
  const [entity, id, feature, ...more] = positionals;
  if (entity === undefined || id === undefined || more.length > 0) throw new UsageError(usage);
  const asked = findAsked(views, entity, feature);
  const explanations = await lookInto(readConfig(process.env), asked, id);
  const text = values.json ? explanationJson(explanations) : explanationText(explanations, feature !== undefined);
  process.stdout.write(`${text}\n`);
}

function lookInto(config: Config, asked: readonly Asked[], id: string): Promise<Explanation[]> {
  return withStore(config, async (servers) =>
    explain(await Inspector.open(servers, views, config.keyPrefix), asked, id),
  );
}

// Whoever has read enough, such as `head`, closes what is written to.
process.stdout.on('error', () => {});

main().catch((error: unknown) => {
  process.stderr.write(`${(error instanceof Error ? error.message : String(error)).trimEnd()}\n`);
  process.exitCode =
    error instanceof UnknownNameError ? 1 : error instanceof UsageError || error instanceof InvalidIdError ? 2 : 3;
});
