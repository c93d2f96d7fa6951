import { parseArgs } from 'node:util';
import { views } from '../../schema/index.ts';
import { transaction } from '../../schema/transaction.ts';
import type { View } from '../define/index.ts';
import { Engine, invalidKeyPrefixReason, PrefixRegistry, runningProcesses, versionedName } from '../engine/index.ts';
import { openServers, parseValkeyUrl, type Servers, startEmbeddedValkey, type ValkeyAddress } from '../valkey/index.ts';
import { abortOnSignal, InterruptedError } from './interruption.ts';
import { namedView } from './named-view.ts';
import { withProgress } from './replay/progress.ts';
import { replayFile } from './replay/replay-file.ts';
import { describe, exitStatus, graver } from './replay/summary.ts';
import { areSameFile } from './replay/training-set.ts';

const usage = `npm run replay -- [--verify] [--out FILE.csv] [--valkey URL] [--prefix PREFIX] FILE...
npm run replay -- --view NAME@VERSION --clock wall --valkey URL --prefix PREFIX [--complete-since TIME] FILE...

Streams CSV files of transactions, plain or gzipped, through the engine under the event clock.

  --verify       compare the published columns with what is served as of each row
  --out FILE     write the rows with all their features (one input file only)
  --valkey URL   replay into this Valkey instead of a throw-away one (VALKEY_URL is not used)
  --prefix P     replay under this key prefix; left out, each file gets a fresh one
  --view V       replay into this view alone, such as user_risk_profile@2
  --clock wall   by the store's clock, as an API records: to fill a new version of a view beside a running one
  --complete-since TIME
                 the files hold every event since then, which the view will say (RFC 3339); no process may feed it yet
  --help         print this

The rows of a file that fills a view must be in the order of their times. It is safe to repeat one.

Exit status: 0; 1 if a value differs; 2 if a row could not be used or, with --verify, was not compared; 3 if a file could
not be read, or the replay not run, to its end, whatever was found before; 130, 143 or 129 if SIGINT (Ctrl-C), SIGTERM or
SIGHUP ended it.
`;

const say = (line: string) => process.stderr.write(`${line}\n`);

async function main(interruption: AbortSignal): Promise<number> {
  const { values, positionals: files } = parseArgs({
    allowPositionals: true,
    options: {
      verify: { type: 'boolean', default: false },
      out: { type: 'string' },
      valkey: { type: 'string' },
      prefix: { type: 'string' },
      view: { type: 'string' },
      clock: { type: 'string', default: 'event' },
      'complete-since': { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  if (files.length === 0) throw new Error(`no file was named\n\n${usage}`);
  if (values.out !== undefined && files.length > 1) throw new Error('--out takes one input file');
  for (const file of files) {
    if (values.out !== undefined && (await areSameFile(values.out, file)))
      throw new Error(`--out ${values.out}: is the input itself, which would be lost`);
  }
  const badPrefix = values.prefix === undefined ? null : invalidKeyPrefixReason(values.prefix);
  if (badPrefix !== null) throw new Error(`--prefix ${JSON.stringify(values.prefix)}: ${badPrefix}`);

  const { clock } = values;
  if (clock !== 'event' && clock !== 'wall') throw new Error(`--clock ${clock}: expected event or wall`);
  const fed = values.view === undefined ? views : [namedView(views, '--view', values.view)];
  const completeSince = readMoment(values['complete-since']);
  if (completeSince !== null && (values.view === undefined || values.prefix === undefined))
    throw new Error('--complete-since goes with --view and --prefix');

  const given = values.valkey === undefined ? null : parseOptionValkey(values.valkey);

  const embedded = given ? null : await startEmbeddedValkey({ persistent: false, report: say });
  try {
    interruption.throwIfAborted();
    const servers = openServers(given ?? parseValkeyUrl(embedded?.url ?? ''));
    try {
      let status = 0;
      for (const [i, file] of files.entries()) {
        const keyPrefix = values.prefix ?? `replay-${Date.now().toString(36)}-${i}`;
        const open = () => Engine.open({ servers, views: fed, keyPrefix, clock });
        if (completeSince !== null) await claimComplete(await open(), servers, fed, completeSince);
        const engine = await open();
        const { verify, out = null } = values;
        const presence = await engine.announce();
        const summary = await withProgress(file, process.stderr, (listener) =>
          replayFile(file, engine, transaction, { verify, out, listener, signal: interruption }),
        ).finally(() => presence.end());
        say(`${file}: ${describe(summary, verify)}${embedded ? '' : ` (prefix ${keyPrefix})`}`);
        status = graver(status, exitStatus(summary, verify));
      }
      return status;
    } finally {
      servers.close();
    }
  } finally {
    await embedded?.stop();
  }
}

/** What the engines that are opened from now on will say of the views. */
async function claimComplete({ keys }: Engine, servers: Servers, fed: readonly View[], since: number): Promise<void> {
  const processes = await runningProcesses(servers, keys);
  for (const view of fed) {
    const feeding = processes.find(({ views: theirs }) => versionedName(view) in theirs);
    if (feeding) {
      throw new Error(
        `--complete-since: process ${feeding.pid} on ${feeding.host} feeds ${versionedName(view)} already, and would serve it as complete before it is`,
      );
    }
    await new PrefixRegistry(servers, keys).backdate(view, since);
  }
}

/** Null if there is none. */
function readMoment(text: string | undefined): number | null {
  if (text === undefined) return null;
  const moment = /^\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(moment)) throw new Error(`--complete-since ${text}: expected a time such as 2026-01-31T12:00:00Z`);
  return moment;
}

function parseOptionValkey(text: string): ValkeyAddress {
  try {
    return parseValkeyUrl(text);
  } catch (error) {
    throw new Error(`--valkey: ${(error as Error).message}`, { cause: error });
  }
}

// What is said is lost then; what is done must go on, for a closed terminal ends the replay by SIGHUP.
process.stderr.on('error', () => {});

const interruption = abortOnSignal();
main(interruption).then(
  (status) => {
    process.exitCode = status;
  },
  (error: unknown) => {
    // What the interruption broke on its way is no news.
    const cause = interruption.aborted ? interruption.reason : error;
    say(cause instanceof Error ? cause.message : String(cause));
    if (cause instanceof InterruptedError) process.exit(cause.exitCode);
    process.exitCode = 3;
  },
);
