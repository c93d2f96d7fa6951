import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { get } from '../load/request.ts';
import { median } from '../report/statistics.ts';
import { digits, table, whole } from '../report/table.ts';
import { startPeer } from './contender-process.ts';
import { readConnections } from './read.ts';
import { addressOf } from './readers.ts';
import type { Stage } from './stage.ts';

const tellsCpu = new URL('../load/tells-cpu-at-exit.ts', import.meta.url).href;
const autocannon = fileURLToPath(new URL('../node_modules/autocannon/autocannon.js', import.meta.url));
const path = '/user/nobody?txnCount1h,txnCount24h';

/** What a request costs whoever sends it. */
interface Sent {
  readonly perSecond: number;
  readonly cpuUs: number;
}

/** What our generator takes a request, beside autocannon: both ask node:http for the same, in turn. */
export async function compareGenerators(stage: Stage): Promise<void> {
  const settings = { ...addressOf(stage.server.url), keyPrefix: stage.server.prefix(), autoPipelining: false };
  const raw = await startPeer('raw', settings);
  const seconds = Math.max(2, stage.options.seconds);
  const own: Sent[] = [];
  const theirs: Sent[] = [];
  try {
    const target = await stage.generator.target('node:http alone', raw.port, [get(path)]);
    await target.learn(1);
    await target.closedLoop({ connections: readConnections, seconds: 2 });
    for (let round = 0; round < stage.options.repetitions; round++) {
      const run = await target.closedLoop({ connections: readConnections, seconds });
      own.push({ perSecond: run.requests / run.seconds, cpuUs: run.cpuUs / run.allRequests });
      theirs.push(await runAutocannon(`http://127.0.0.1:${raw.port}${path}`, seconds));
    }
  } finally {
    await raw.stop();
  }
  const row = (name: string, sent: readonly Sent[]) => [
    name,
    whole(median(sent.map(({ perSecond }) => perSecond))),
    digits(median(sent.map(({ cpuUs }) => cpuUs))),
  ];
  stage.print(
    `\n${table(
      [
        { head: 'generator, 16 connections to node:http', left: true },
        { head: 'requests/s' },
        { head: 'its own µs a request' },
      ],
      [row('ours, which checks every answer', own), row('autocannon, which checks none', theirs)],
    )}`,
  );
}

/** With what it takes to start, which is little beside seconds of load. */
async function runAutocannon(url: string, seconds: number): Promise<Sent> {
  const options = ['-c', String(readConnections), '-d', String(seconds), '--json', '--no-progress', url];
  const child = spawn(process.execPath, ['--import', tellsCpu, autocannon, ...options], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [said, complained] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  const cpuUs = Number(/took (\d+) µs/.exec(complained)?.[1]);
  const { requests, duration } = JSON.parse(said) as { requests: { total: number }; duration: number };
  return { perSecond: requests.total / duration, cpuUs: cpuUs / requests.total };
}
