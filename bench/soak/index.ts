import { Random, type Tally } from '../../src/simulate/index.ts';
import { startApi } from '../api-process.ts';
import type { Bench } from '../bench.ts';
import { Deadline, OutOfTimeError } from '../deadline.ts';
import type { Requirement } from '../report/requirement.ts';
import { most } from '../report/statistics.ts';
import { digits, table, whole } from '../report/table.ts';
import { poisson } from '../simulate/arrivals.ts';
import { drawHistory, type History } from '../simulate/history.ts';
import { type Population, populations } from '../simulate/population.ts';
import { beginningMs } from '../simulate/transaction.ts';
import { type Subject, subjects } from '../subject.ts';
import { CallWatch, type Quantiles } from './calls.ts';
import { Observer } from './observer.ts';
import { send } from './send.ts';
import { growth, type Stage, stageRows, stageTable } from './stages.ts';
import { type ServedValue, servedValues } from './values.ts';

const allEvents = 1_000_000;
const monthMs = 30 * 86_400_000;
const slowMs = 5;
const mostGrowth = 1.25;

/** What a month of one busy merchant does to Valkey: whether calls stay short, and memory flat, to the end. */
export const soakBench: Bench = {
  summary: 'a million events of one merchant over HTTP: how long calls take, and whether memory stays flat',
  defaultSeconds: 1_200, // 20 minutes
  async run(server, options, print) {
    const history = drawMonth(options.seed, Math.min(allEvents, options.most));
    print(
      `${whole(history.times.length)} events of one merchant in 30 d of event time (Poisson), its users drawn from 10,000 by Zipf, sent in\n` +
        'order through recordTransactions over HTTP, in batches of up to 1,000, to an API in a process of its own. A call is slow that\n' +
        `SLOWLOG has from ${slowMs} ms on; processor: for how much of their time Valkey had one. Bytes are the most at four looks by\n` +
        'MEMORY USAGE with SAMPLES 0, of all keys of the merchant; used_memory is of everyone, 10,000 users too.\n',
    );
    const prefix = server.prefix();
    const api = await startApi({ valkeyUrl: server.url, keyPrefix: prefix, clock: 'event' });
    try {
      const watch = await CallWatch.begin(server.valkey, slowMs);
      try {
        const observer = new Observer(server.valkey, prefix, history, watch);
        const deadline = new Deadline(options.seconds);
        const tally = await orNull(send(api.endpoint, history, deadline, (answered) => observer.look(answered)));
        print(table(stageTable, stageRows(observer.stages)));
        const quantiles = { EXEC: await watch.quantiles('exec'), FCALL: await watch.quantiles('fcall') };
        print(`\n${callsText(observer.stages, quantiles, history.id)}`);
        if (!tally) print(`\nnot done within ${options.seconds} s`);
        if (!tally) return requirementsOf(history.times.length, null);
        const values = await servedValues(api.endpoint, history);
        print(`\n${valueTable(values)}`);
        return requirementsOf(history.times.length, { tally, values, stages: observer.stages, quantiles });
      } finally {
        await watch.end();
      }
    } finally {
      await api.stop();
    }
  },
};

function drawMonth(seed: number, events: number): History {
  const random = new Random(seed);
  const times = poisson(random, events, { fromMs: beginningMs, toMs: beginningMs + monthMs });
  const merchant = subjects.find(({ name }) => name === 'merchant') as Subject;
  return drawHistory(random, merchant, 'merchant-1', times, populations.Zipf as Population);
}

async function orNull(sending: Promise<Tally>): Promise<Tally | null> {
  try {
    return await sending;
  } catch (error) {
    if (error instanceof OutOfTimeError) return null;
    throw error;
  }
}

function callsText(stages: readonly Stage[], quantiles: CallQuantiles, merchantId: string): string {
  const slow = stages.flatMap(({ calls }) => calls.slow);
  const own = slow.filter(({ key }) => key.includes(`{${merchantId}}`)).length;
  const shown = Object.entries(quantiles).map(([command, of]) => {
    const each = [...of].map(([name, us]) => `${name === 'p100' ? 'longest' : name} ${digits(us / 1_000)}`);
    return `${command} in ms: ${each.join(', ')}`;
  });
  return (
    `${shown.join('\n')}\n` +
    `slow: ${whole(slow.length)}, of these ${whole(own)} of the merchant alone` +
    (slow.length > 0 ? `; the longest ${digits(most(slow.map(({ us }) => us)) / 1_000)} ms` : '')
  );
}

function valueTable(values: readonly ServedValue[]): string {
  return table(
    [{ head: 'feature', left: true }, { head: 'served' }, { head: 'true' }, { head: 'method', left: true }],
    values.map(({ feature, served, truth, method }) => [feature, amount(served), amount(truth), method]),
  );
}

function amount(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 2 });
}

/** What was found once everything was sent. */
interface Findings {
  readonly tally: Tally;
  readonly values: readonly ServedValue[];
  readonly stages: readonly Stage[];
  readonly quantiles: CallQuantiles;
}

/** Of the calls in which events are recorded. */
type CallQuantiles = { readonly [command in 'EXEC' | 'FCALL']: Quantiles };

/** Of what there was none, nothing was found. */
function milliseconds(micros: number | undefined): number | null {
  return micros === undefined ? null : micros / 1_000;
}

function wrongOnes(values: readonly ServedValue[]): number {
  return values.filter(({ wrong }) => wrong).length;
}

function requirementsOf(events: number, findings: Findings | null): Requirement[] {
  return [
    ...(['EXEC', 'FCALL'] as const).map((command) => ({
      what: `p99.9 of ${command}, in ms`,
      found: milliseconds(findings?.quantiles[command].get('p99.9')),
      limit: slowMs,
      show: digits,
    })),
    {
      what: 'merchant, bytes: most of the second half to most of the first',
      found: findings && growth(findings.stages),
      limit: mostGrowth,
      show: digits,
    },
    {
      what: 'events that were not recorded, or as duplicates',
      found: findings && events - findings.tally.recorded,
      limit: 0,
      show: whole,
    },
    {
      what: 'values that are not what their bounds, or EXACT, promise',
      found: findings && wrongOnes(findings.values),
      limit: 0,
      show: whole,
    },
  ];
}
