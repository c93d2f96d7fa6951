import { Display } from './demo/display.ts';
import { type DemoOptions, readOptions } from './demo/options.ts';
import { withOwnApi } from './demo/own-api.ts';
import { runDemo } from './demo/run.ts';
import { abortOnSignal, type InterruptedError } from './interruption.ts';
import { UsageError } from './usage-error.ts';

const usage = `npm run demo -- [OPTION...]

Starts the API with an embedded Valkey of its own, fills it with the past of some customers and terminals, and then lets
them pay, so that there is something to see. Afterwards nothing is left of it.

  --rate N        payments a second, in the mean of a day (20)
  --day D         how long a day with its morning, noon and night takes (10m)
  --history D     how far back the past reaches; 0: there is none (30d; with --url 0)
  --customers N   how many pay (100)
  --terminals N   where they may pay (200)
  --seed N        of all that is drawn (1)
  --seconds N     end after so many seconds of live payments, instead of by Ctrl-C
  --url URL       send to the API whose GraphQL is there, such as http://127.0.0.1:4000/graphql, instead of starting one;
                  with the key or token in DEMO_KEY, if that API asks who it is (scope events:write)
  --help          print this

On a terminal, + and - double and halve the rate, and q ends. The API listens where PORT and HOST say; VALKEY_URL is not
used. Payments older than seven days have their labels, all but some frauds, which are labelled one by one meanwhile.

Exit status: 0; 1 if the API could not start, ended, or refused what it was sent; 2 if an option was wrong; 130, 143 or 129
if SIGINT (Ctrl-C), SIGTERM or SIGHUP ended it.
`;

/** The API takes up to 12 seconds to end. */
const patienceMs = 20_000;

async function main(interruption: AbortSignal): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options === null) {
    process.stdout.write(usage);
    return 0;
  }
  await demonstrate(options, new Display(process.stdout), interruption);
  return interruption.aborted ? (interruption.reason as InterruptedError).exitCode : 0;
}

async function demonstrate(options: DemoOptions, display: Display, signal: AbortSignal): Promise<void> {
  const { url } = options;
  const key = process.env.DEMO_KEY || null;
  if (url !== null) return runDemo({ url, key, options, display, signal, ended: new Promise(() => {}) });
  // Both are one screen to whoever watches; what goes into a file is to be told apart.
  const say = (line: string) => (display.isTerminal ? display.say(line) : void process.stderr.write(`${line}\n`));
  if (process.env.VALKEY_URL) say('VALKEY_URL is not used: the demo has a Valkey of its own.');
  await withOwnApi(signal, say, (api) => runDemo({ ...api, options, display, signal }));
}

// What is said is lost then; what is done must go on, for a closed terminal ends the demo by SIGHUP.
for (const output of [process.stdout, process.stderr]) output.on('error', () => {});

const interruption = abortOnSignal(patienceMs);
main(interruption).then(
  (status) => {
    process.exitCode = status;
  },
  (error: unknown) => {
    if (interruption.aborted) process.exit((interruption.reason as InterruptedError).exitCode);
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = error instanceof UsageError ? 2 : 1;
  },
);
