import { parseArgs } from 'node:util';
import { accuracyBench } from './accuracy/index.ts';
import { apiBench, parts } from './api/index.ts';
import type { Bench, BenchOptions } from './bench.ts';
import { engineBench } from './engine/index.ts';
import { liveBench } from './live/index.ts';
import { memoryBench } from './memory/index.ts';
import { promisesBench } from './promises/index.ts';
import { isMet, requirementTable } from './report/requirement.ts';
import { withServer } from './server.ts';
import { soakBench } from './soak/index.ts';

const benches: { readonly [name: string]: Bench } = {
  api: apiBench,
  engine: engineBench,
  memory: memoryBench,
  accuracy: accuracyBench,
  live: liveBench,
  soak: soakBench,
  promises: promisesBench,
};

const defaultName = 'api';
const defaultSeconds = 60;
const defaultRepetitions = 15;

const usage = `npm run bench -- [OPTION...] [NAME]

Measures one thing (${defaultName}), beside its peers where it has any, in the same run, on a throwaway Valkey.

${Object.entries(benches)
  .map(([name, { summary }]) => `  ${name.padEnd(16)} ${summary}`)
  .join('\n')}

  --most N         leave out, or cut to this, histories of more events
  --repetitions N  how often each thing is measured (${defaultRepetitions}; api: ${apiBench.defaultRepetitions} rounds)
  --seconds N      how long each thing may be measured (${defaultSeconds}; soak: ${soakBench.defaultSeconds}; api, a turn: ${apiBench.defaultSeconds})
  --seed N         of all that is drawn (1)
  --inside         engine: also what its functions call, and how long that takes
  --only PART      api: ${parts.join(', ')}
  --workers N,...  api: with how many processes ours is run, once with each (1)
  --json FILE      api: also writes what was found as JSON; - is stdout, and all else is printed to stderr
  --svg FILE       api: also draws it
  --cpu-prof DIR   api: runs ours alone, says where its processor time goes, and writes its profiles there
  --valkey URL     measure on this Valkey, which nobody else may use meanwhile (VALKEY_URL is not used)
  --strict         end with status 1 if a requirement is not met, or could not be measured
  --help           print this
`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      most: { type: 'string' },
      repetitions: { type: 'string' },
      seconds: { type: 'string' },
      seed: { type: 'string', default: '1' },
      inside: { type: 'boolean', default: false },
      only: { type: 'string' },
      workers: { type: 'string', default: '1' },
      json: { type: 'string' },
      svg: { type: 'string' },
      'cpu-prof': { type: 'string' },
      valkey: { type: 'string' },
      strict: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const output = values.json === '-' ? process.stderr : process.stdout;
  const print = (text: string) => void output.write(`${text}\n`);
  const [name = defaultName, ...others] = positionals;
  if (values.help) {
    print(usage);
    return 0;
  }
  const bench = Object.hasOwn(benches, name) ? benches[name] : undefined;
  if (!bench) throw new Error(`there is no bench ${name}; there are ${Object.keys(benches).join(', ')}`);
  if (others.length > 0) throw new Error(`one bench at a time, not also ${others.join(', ')}`);
  const options: BenchOptions = {
    most: values.most === undefined ? Number.POSITIVE_INFINITY : wholeNumber('most', values.most),
    repetitions:
      values.repetitions === undefined
        ? (bench.defaultRepetitions ?? defaultRepetitions)
        : wholeNumber('repetitions', values.repetitions),
    seconds:
      values.seconds === undefined ? (bench.defaultSeconds ?? defaultSeconds) : wholeNumber('seconds', values.seconds),
    seed: wholeNumber('seed', values.seed),
    inside: values.inside,
    ...(values.only === undefined ? {} : { only: partNamed(values.only) }),
    ...(values.json === undefined ? {} : { json: values.json }),
    ...(values.svg === undefined ? {} : { svg: values.svg }),
    ...(values['cpu-prof'] === undefined ? {} : { cpuProf: values['cpu-prof'] }),
    workers: values.workers.split(',').map((text) => wholeNumber('workers', text)),
  };
  const requirements = await withServer(values.valkey ?? null, async (server) => {
    print(`${name}: on ${server.what}, Node ${process.version}, seed ${options.seed}\n`);
    return bench.run(server, options, print);
  });
  if (requirements.length > 0) print(`\n${requirementTable(requirements)}`);
  return values.strict && !requirements.every(isMet) ? 1 : 0;
}

function wholeNumber(option: string, text: string): number {
  const value = /^[\d_,]+$/.test(text) ? Number(text.replace(/[_,]/g, '')) : Number.NaN;
  if (value >= 1) return value;
  throw new Error(`--${option}: expected a whole number from 1, got ${JSON.stringify(text)}`);
}

function partNamed(name: string): string {
  if (parts.some((part) => part === name)) return name;
  throw new Error(`--only: expected one of ${parts.join(', ')}, got ${JSON.stringify(name)}`);
}

main().then(
  (status) => {
    process.exitCode = status;
  },
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(2); // with all that was started, which ends with it
  },
);
