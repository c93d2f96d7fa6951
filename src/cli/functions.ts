import { views } from '../../schema/index.ts';
import { type Config, readConfig } from '../config.ts';
import { libraryNameOf } from '../engine/index.ts';
import { describeAddress } from '../valkey/index.ts';
import { readArguments } from './arguments.ts';
import { isOld, removeOld, surveyLibraries } from './functions/survey.ts';
import { describeUser, surveyText } from './functions/text.ts';
import { withStore } from './store.ts';
import { UsageError } from './usage-error.ts';

const usage = `npm run functions -- [--json]
npm run functions -- prune [--dry-run]

Lists the function libraries of Freshet in a Valkey: which is of the definitions here, what each serves, and which processes
call it. Each version of the definitions, and of Freshet, has a library of its own, and none goes by itself.

  prune      remove those that are neither called by a running process nor of the definitions here
  --dry-run  say what prune would remove, and remove nothing
  --json     print JSON
  --help     print this

A process notes under its key prefix, once a minute, which library it calls; one that has not done so for three minutes has
ended. Should a library be removed that is called after all, the call loads it again: that costs some milliseconds.

It looks into the Valkey at VALKEY_URL, or, where that is unset, into the one that a running npm start keeps in
FRESHET_DATA_DIR; at all prefixes.

Exit status: 0; 2 if it was not called as above; 3 if the store could not be looked into.
`;

async function main(): Promise<void> {
  const { values, positionals } = readArguments(
    {
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        'dry-run': { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    },
    usage,
  );
  if (values.help) {
    process.stdout.write(usage);
    return;
  }
  const [action = 'list', ...more] = positionals;
  const isRight = action === 'list' ? !values['dry-run'] : action === 'prune' && !values.json;
  if (!isRight || more.length > 0) throw new UsageError(usage);
  const config = readConfig(process.env);
  await (action === 'list' ? list(config, values.json) : prune(config, values['dry-run']));
}

function list(config: Config, asJson: boolean): Promise<void> {
  return withStore(config, async (servers, address) => {
    const libraries = await surveyLibraries(servers, libraryNameOf(views));
    if (asJson) say(JSON.stringify(libraries, null, 2));
    else say(`${describeAddress(address)}\n\n${surveyText(libraries)}`);
  });
}

function prune(config: Config, isDry: boolean): Promise<void> {
  return withStore(config, async (servers, address) => {
    const libraries = await surveyLibraries(servers, libraryNameOf(views));
    const old = libraries.filter(isOld);
    const spared = isDry ? [] : await removeOld(servers, old);
    const removed = old.filter(({ name }) => !spared.some(({ process }) => process.library === name));
    for (const { name, views: served } of removed) {
      say(`${isDry ? 'Would remove' : 'Removed'} ${name}, which serves ${served.join(', ')}`);
    }
    for (const user of spared) say(`Left ${user.process.library}: it came to be called ${describeUser(user)}`);
    const left = libraries.length - removed.length;
    say(
      `${describeAddress(address)}: ${removed.length} removed${isDry ? ' if it were not a dry run' : ''}, ${left} left`,
    );
  });
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

// Whoever has read enough, such as `head`, closes what is written to.
process.stdout.on('error', () => {});

main().catch((error: unknown) => {
  process.stderr.write(`${(error instanceof Error ? error.message : String(error)).trimEnd()}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 3;
});
