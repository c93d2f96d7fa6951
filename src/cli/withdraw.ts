import { views } from '../../schema/index.ts';
import { type Config, readConfig } from '../config.ts';
import {
  KeyNames,
  libraryNameOf,
  PrefixRegistry,
  type ProcessNote,
  runningProcesses,
  versionedName,
} from '../engine/index.ts';
import { readArguments } from './arguments.ts';
import { withStore } from './store.ts';
import { UsageError } from './usage-error.ts';

const usage = `npm run withdraw -- [--dry-run]

Goes back from definitions that have grown: forgets the features that newer ones enrolled under the key prefix and that these
here do not have, so that these start again. Logs that the newer ones took over are brought back when they are next touched:
they lose what those features were folded from, and nothing else. Should the features come again, they are complete since then.

  --dry-run  say what would be withdrawn, and withdraw nothing
  --help     print this

Processes of the newer definitions must have ended before; it refuses while one runs under the prefix, which each notes once a
minute. It looks into the Valkey at VALKEY_URL, or, where that is unset, into the one that a running npm start keeps in
FRESHET_DATA_DIR; under the key prefix FRESHET_KEY_PREFIX.

Exit status: 0, also if there is nothing to withdraw; 1 if processes of other definitions run; 2 if it was not called as above;
3 if the store could not be looked into.
`;

/** Processes of other definitions run, which need what would be withdrawn. */
class StillRunningError extends Error {
  override readonly name = 'StillRunningError';
  readonly code = 'STILL_RUNNING';

  constructor(prefix: string, processes: readonly ProcessNote[]) {
    const named = processes.map(({ pid, host }) => `process ${pid} on ${host}`);
    super(
      `Under the prefix ${prefix} runs what has other definitions than these, or is another version of Freshet: ${named.join(', ')}. End it first; one that was killed counts as running for three minutes`,
    );
  }
}

async function main(): Promise<void> {
  const { values, positionals } = readArguments(
    {
      allowPositionals: true,
      options: { 'dry-run': { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
    },
    usage,
  );
  if (values.help) {
    process.stdout.write(usage);
    return;
  }
  if (positionals.length > 0) throw new UsageError(usage);
  await withdraw(readConfig(process.env), values['dry-run']);
}

function withdraw(config: Config, isDry: boolean): Promise<void> {
  const { keyPrefix } = config;
  return withStore(config, async (servers) => {
    const keys = new KeyNames(keyPrefix);
    const registry = new PrefixRegistry(servers, keys);
    const beyond = await registry.beyond(views);
    if (beyond.length === 0) return say(`Nothing is enrolled under the prefix ${keyPrefix} that is not defined here`);
    const own = libraryNameOf(views);
    const others = (await runningProcesses(servers, keys)).filter(({ library }) => library !== own);
    if (others.length > 0) throw new StillRunningError(keyPrefix, others);
    if (!isDry) await registry.withdraw(beyond);
    for (const { view, name } of beyond) {
      say(`${isDry ? 'Would withdraw' : 'Withdrew'} ${name} of ${versionedName(view)}, under the prefix ${keyPrefix}`);
    }
  });
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

// Whoever has read enough, such as `head`, closes what is written to.
process.stdout.on('error', () => {});

main().catch((error: unknown) => {
  process.stderr.write(`${(error instanceof Error ? error.message : String(error)).trimEnd()}\n`);
  process.exitCode = error instanceof StillRunningError ? 1 : error instanceof UsageError ? 2 : 3;
});
