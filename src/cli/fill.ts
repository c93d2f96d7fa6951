import { views } from '../../schema/index.ts';
import { type Config, readConfig } from '../config.ts';
import type { View } from '../define/index.ts';
import { Engine, KeyNames, PrefixRegistry, runningProcesses, unfillable, versionedName } from '../engine/index.ts';
import type { Servers } from '../valkey/index.ts';
import { readArguments } from './arguments.ts';
import { type FillSummary, fillView } from './fill/fill-view.ts';
import { abortOnSignal, InterruptedError } from './interruption.ts';
import { namedView } from './named-view.ts';
import { withStore } from './store.ts';
import { UsageError } from './usage-error.ts';

const usage = `npm run fill -- --from NAME@VERSION --to NAME@VERSION [--rate N] [--dry-run]

Has a version of a view take over what another version of it keeps, from the store itself, while events come: entity by entity,
each in one step. What both have counts once.

  --from NAME@VERSION  the version that has been fed, such as user_risk_profile@1
  --to NAME@VERSION    the version that is to be filled, such as user_risk_profile@2
  --rate N             at most so many entities a second; default 2000. Whatever it says, its calls take no more than a quarter of
                       the time
  --dry-run            say whether it can be done, and do nothing
  --help               print this

The definitions here must list both versions, and so must every process that runs under the prefix: what a process records that
feeds only one of them is not in the other. Features of which the first version never kept what they need are named, and nothing
is done: replay a file of events into the new version for these (npm run replay -- --view). It may be interrupted and begun again:
what is filled is passed over. Once all is filled, the new version is complete since the other one was.

It works on the Valkey at VALKEY_URL, or, where that is unset, on the one that a running npm start keeps in FRESHET_DATA_DIR;
under the key prefix FRESHET_KEY_PREFIX.

Exit status: 0; 1 if it cannot be done, or not of every entity; 2 if it was not called as above; 3 if the store could not be
worked on; 130, 143 or 129 if SIGINT (Ctrl-C), SIGTERM or SIGHUP ended it.
`;

const defaultRate = 2_000;

/** It cannot be done as things are; the message says what is in the way. */
class CannotFillError extends Error {
  override readonly name = 'CannotFillError';
  readonly code = 'CANNOT_FILL';
}

interface Asked {
  readonly from: View;
  readonly to: View;
  readonly rate: number;
  readonly isDry: boolean;
}

async function main(interruption: AbortSignal): Promise<void> {
  const asked = readAsked();
  if (asked === null) {
    process.stdout.write(usage);
    return;
  }
  assertFillable(asked);
  const config = readConfig(process.env);
  await withStore(config, (servers) => fill(servers, config, asked, interruption));
}

/** Null if help is all that was asked for. */
function readAsked(): Asked | null {
  const { values, positionals } = readArguments(
    {
      allowPositionals: true,
      options: {
        from: { type: 'string' },
        to: { type: 'string' },
        rate: { type: 'string' },
        'dry-run': { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    },
    usage,
  );
  if (values.help) return null;
  const { from, to, rate = `${defaultRate}` } = values;
  if (from === undefined || to === undefined || positionals.length > 0) throw new UsageError(usage);
  if (!/^[1-9]\d{0,6}$/.test(rate)) throw new UsageError(`--rate ${rate}: expected a whole number from 1`);
  const named = { from: namedView(views, '--from', from), to: namedView(views, '--to', to) };
  if (named.from === named.to) throw new UsageError('--from and --to name the same version');
  return { ...named, rate: Number(rate), isDry: values['dry-run'] };
}

function assertFillable({ from, to }: Asked): void {
  const lacking = unfillable(from, to);
  if (lacking.length === 0) return;
  throw new CannotFillError(
    [
      `${versionedName(to)} cannot be filled from ${versionedName(from)}, which never kept what is needed for`,
      ...lacking.map(({ feature, reason }) => `  ${feature}: ${reason}`),
      `Replay a file of events into it: npm run replay -- --view ${to.name}@${to.version} FILE`,
    ].join('\n'),
  );
}

async function fill(servers: Servers, { keyPrefix }: Config, asked: Asked, signal: AbortSignal): Promise<void> {
  const { from, to, rate, isDry } = asked;
  const keys = new KeyNames(keyPrefix);
  const registry = new PrefixRegistry(servers, keys);
  const committed = await registry.look([from]);
  const since = committed?.since.get(from);
  if (!committed || since === undefined || Number.isNaN(since)) {
    throw new CannotFillError(
      `${versionedName(from)}, as it is defined here, was never served under the prefix ${keyPrefix}`,
    );
  }
  await assertFedByAll(servers, keys, asked);
  if (isDry)
    return say(`${versionedName(to)} can be filled from ${versionedName(from)}, under the prefix ${keyPrefix}`);

  const engine = await Engine.open({ servers, views, keyPrefix, clock: committed.clock, rehearses: false });
  const presence = await engine.announce();
  try {
    const summary = await fillView(servers, engine, { from, to }, { rate, signal, onFault: complain });
    say(describe(asked, summary));
    if (summary.failed > 0)
      throw new CannotFillError(`${summary.failed} could not be filled; see above, and begin again`);
    // Whoever was started meanwhile, too.
    await assertFedByAll(servers, keys, asked);
    await registry.backdate(to, since);
    say(
      `${versionedName(to)} is complete since ${new Date(since).toISOString()}. Processes that run say so of what they filled; of entities of which nothing is stored, and of new ones, from their next start on`,
    );
  } finally {
    presence.end();
  }
}

/** @throws CannotFillError that names processes whose events would be in one of the versions only */
async function assertFedByAll(servers: Servers, keys: KeyNames, { from, to }: Asked): Promise<void> {
  const processes = await runningProcesses(servers, keys);
  const lacking = processes.flatMap(({ pid, host, views: fed }) => {
    if (!Object.values(fed).includes(from.event.name)) return [];
    const unfed = [from, to].map(versionedName).filter((name) => !(name in fed));
    return unfed.length === 0 ? [] : [`process ${pid} on ${host} does not feed ${unfed.join(' and ')}`];
  });
  if (lacking.length === 0) return;
  throw new CannotFillError(
    `Under the prefix ${keys.prefix}, ${lacking.join(', ')}: what it records would be lost to the new version. Have it list both, or end it; one that was killed counts as running for three minutes`,
  );
}

function describe({ from, to }: Asked, { filled, wasFilled, forced, gone, failed }: FillSummary): string {
  const parts = [
    `${filled + forced} entities filled`,
    `${wasFilled} were filled already`,
    ...(forced > 0 ? [`${forced} of them though an event is labelled otherwise in each version`] : []),
    ...(gone > 0 ? [`${gone} went meanwhile`] : []),
    ...(failed > 0 ? [`${failed} failed`] : []),
  ];
  return `${versionedName(from)} to ${versionedName(to)}: ${parts.join(', ')}`;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function complain(text: string): void {
  process.stderr.write(`${text}\n`);
}

// What is said is lost then; what is done must go on.
process.stdout.on('error', () => {});
process.stderr.on('error', () => {});

const interruption = abortOnSignal();
main(interruption).catch((error: unknown) => {
  const cause = interruption.aborted ? interruption.reason : error;
  complain((cause instanceof Error ? cause.message : String(cause)).trimEnd());
  if (cause instanceof InterruptedError) process.exit(cause.exitCode);
  process.exitCode = cause instanceof CannotFillError ? 1 : cause instanceof UsageError ? 2 : 3;
});
