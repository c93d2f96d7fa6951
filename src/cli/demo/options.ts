import { parseArgs } from 'node:util';
import { type Milliseconds, parseDuration } from '../../define/index.ts';
import { UsageError } from '../usage-error.ts';

export interface DemoOptions {
  /** Of the GraphQL of a running API; null: the demo starts one. */
  readonly url: string | null;
  /** How far back payments are recorded before the live ones; 0: none are. */
  readonly historyMs: Milliseconds;
  /** Live payments a second, in the mean of a day. */
  readonly rate: number;
  /** How long a day of the live payments takes. */
  readonly dayMs: Milliseconds;
  readonly customers: number;
  readonly terminals: number;
  readonly seed: number;
  /** How long live payments go on; null: until it is ended. */
  readonly seconds: number | null;
}

export const slowestRate = 0.1;
export const fastestRate = 10_000; // at noon twice as many, which is what Live can send
const mostCustomers = 100_000;
const mostTerminals = 10_000;
const seeds = 2 ** 32;

/**
 * Reads the command line; null if it asks for help.
 * @throws UsageError that names the option.
 */
export function readOptions(args: readonly string[]): DemoOptions | null {
  const values = parse(args);
  if (values.help) return null;
  const { url = null } = values;
  return {
    url: url === null ? null : readUrl(url),
    historyMs: readHistory(values.history ?? (url === null ? '30d' : '0')),
    rate: readNumber('rate', values.rate, slowestRate, fastestRate),
    dayMs: readDuration('day', values.day),
    customers: readWhole('customers', values.customers, 1, mostCustomers),
    terminals: readWhole('terminals', values.terminals, 1, mostTerminals),
    seed: readWhole('seed', values.seed, 0, seeds - 1),
    seconds: values.seconds === undefined ? null : readNumber('seconds', values.seconds, 0, 1e6),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        url: { type: 'string' },
        history: { type: 'string' },
        rate: { type: 'string', default: '20' },
        day: { type: 'string', default: '10m' },
        customers: { type: 'string', default: '100' },
        terminals: { type: 'string', default: '200' },
        seed: { type: 'string', default: '1' },
        seconds: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    const [what = ''] = (error as Error).message.split('\n'); // what follows is advice for rare cases
    throw new UsageError(what);
  }
}

function readUrl(text: string): string {
  const url = URL.parse(text);
  if (url && /^https?:$/.test(url.protocol)) return url.href;
  throw wrong('url', 'the address of a GraphQL endpoint, such as http://127.0.0.1:4000/graphql', text);
}

function readHistory(text: string): Milliseconds {
  return text === '0' ? 0 : readDuration('history', text, ', or 0 for none');
}

function readDuration(option: string, text: string, or = ''): Milliseconds {
  const ms = parseDuration(text);
  if (Number.isNaN(ms)) throw wrong(option, `a duration such as 90s, 10m, 24h or 30d${or}`, text);
  return ms;
}

function readWhole(option: string, text: string, least: number, most: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw wrong(option, `a whole number from ${least} to ${most}`, text);
}

function readNumber(option: string, text: string, least: number, most: number): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw wrong(option, `a number from ${least} to ${most}`, text);
}

function wrong(option: string, expected: string, got: string): UsageError {
  return new UsageError(`--${option}: expected ${expected}, got ${JSON.stringify(got)}`);
}
