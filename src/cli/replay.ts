import { parseArgs } from 'node:util';
import { SingleBar } from 'cli-progress';
import { views } from '../../schema/index.ts';
import { transaction } from '../../schema/transaction.ts';
import { Engine, invalidKeyPrefixReason } from '../engine/index.ts';
import { connect, parseValkeyUrl, startEmbeddedValkey } from '../valkey/index.ts';
import { abortOnSignal, InterruptedError } from './replay/interruption.ts';
import { replayFile } from './replay/replay-file.ts';
import { describe, exitStatus, graver, type ReplaySummary } from './replay/summary.ts';
import { areSameFile } from './replay/training-set.ts';

const usage = `npm run replay -- [--verify] [--out FILE.csv] [--valkey URL] [--prefix PREFIX] FILE...

Streams CSV files of transactions, plain or gzipped, through the engine under the event clock.

  --verify       compare the published columns with what is served as of each row
  --out FILE     write the rows with all their features (one input file only)
  --valkey URL   replay into this Valkey instead of a throw-away one
  --prefix P     replay under this key prefix; left out, each file gets a fresh one

Exit status: 0; 1 if a value differs; 2 if a row could not be used or, with --verify, was not compared; 3 if the replay
could not run to its end, whatever it found before; 130, 143 or 129 if SIGINT (Ctrl-C), SIGTERM or SIGHUP ended it.
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

  const embedded = values.valkey ? null : await startEmbeddedValkey({ persistent: false, report: say });
  try {
    interruption.throwIfAborted();
    const valkey = connect(parseValkeyUrl(values.valkey ?? embedded?.url ?? ''));
    try {
      let status = 0;
      for (const [i, file] of files.entries()) {
        const keyPrefix = values.prefix ?? `replay-${Date.now().toString(36)}-${i}`;
        const engine = await Engine.open({ valkey, views, keyPrefix, clock: 'event' });
        const summary = await withProgress(file, (onProgress, onFault) =>
          replayFile(file, engine, transaction, {
            verify: values.verify,
            out: values.out ?? null,
            onProgress,
            onFault,
            signal: interruption,
          }),
        );
        say(`${file}: ${describe(summary, values.verify)}${embedded ? '' : ` (prefix ${keyPrefix})`}`);
        status = graver(status, exitStatus(summary, values.verify));
      }
      return status;
    } finally {
      valkey.disconnect();
    }
  } finally {
    await embedded?.stop();
  }
}

/** Shows how far the file is on a terminal; keeps what must be said above the bar. */
async function withProgress(
  file: string,
  work: (
    onProgress: (read: number, rows: number, total: number) => void,
    onFault: (text: string) => void,
  ) => Promise<ReplaySummary>,
): Promise<ReplaySummary> {
  const begun = performance.now();
  const bar = new SingleBar({
    format: `${file} {bar} {percentage}% | {rows} rows | {rate} rows/s | {eta_formatted} left`,
    hideCursor: true,
    clearOnComplete: true,
    noTTYOutput: false,
    gracefulExit: false, // it would swallow the signals that end the replay
  });
  const faults: string[] = [];
  const flush = () => {
    for (const fault of faults.splice(0)) say(fault);
  };
  bar.start(1, 0, { rows: 0, rate: 0 });
  try {
    return await work(
      (read, rows, total) => {
        bar.setTotal(total);
        bar.update(read, { rows, rate: Math.round((rows * 1000) / (performance.now() - begun)) });
        if (!process.stderr.isTTY) flush();
      },
      (fault) => faults.push(fault),
    );
  } finally {
    bar.stop();
    flush();
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
