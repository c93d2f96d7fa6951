import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { median, quantile } from '../../bench/report/statistics.ts';
import { digits, table, whole } from '../../bench/report/table.ts';
import { type ApiClient, ApiProcess } from '../support/api.ts';
import { CountsOf } from '../support/counts-of.ts';
import { EventStream } from '../support/event-stream.ts';
import { InsistentLoad } from '../support/insistent-load.ts';
import { thoroughness } from '../support/property.ts';
import { ServerProcess } from '../support/server-process.ts';
import { until } from '../support/until.ts';

/** A long run is of ten minutes, with a fault every twenty seconds; of `npm test` it is some seconds. */
const isLong = thoroughness >= 20;
const [faultCount, betweenMs] = isLong ? [30, 20_000] : [6, 1_500];

let server: ServerProcess;
let api: ApiProcess;
let client: ApiClient;
/** Another one that no fault meets: what slows it down is the machine. */
let sparedServer: ServerProcess;
let spared: ApiProcess;
let sparedClient: ApiClient;

beforeAll(async () => {
  server = await ServerProcess.start({ settings: { appendonly: 'yes', appendfsync: 'always' } });
  api = new ApiProcess({ VALKEY_URL: server.url, FRESHET_ACK: 'fsync', LOG_LEVEL: 'fatal' }, true);
  client = await api.listening();
  sparedServer = await ServerProcess.start();
  spared = new ApiProcess({ VALKEY_URL: sparedServer.url, LOG_LEVEL: 'fatal' });
  sparedClient = await spared.listening();
});

afterAll(async () => {
  await Promise.all([api?.stop(), spared?.stop()]);
  await Promise.all([server?.destroy(), sparedServer?.destroy()]);
});

/** What an operator fears, and what ends it. */
const faults: readonly { readonly name: string; readonly strike: () => Promise<void> }[] = [
  {
    name: 'Valkey is killed, and starts again',
    strike: async () => {
      await server.kill();
      await server.start();
    },
  },
  {
    name: 'Valkey hangs for two seconds',
    strike: async () => {
      server.freeze();
      await sleep(2_000);
      server.thaw();
    },
  },
  {
    name: 'all connections to Valkey are cut',
    strike: async () => {
      for (const type of ['normal', 'pubsub']) await server.admin.call('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes');
    },
  },
  { name: 'Valkey forgets its functions', strike: async () => void (await server.admin.call('FUNCTION', 'FLUSH')) },
  {
    name: 'Valkey is out of memory for a second',
    strike: async () => {
      await server.admin.config('SET', 'maxmemory', '1mb');
      await sleep(1_000);
      await server.admin.config('SET', 'maxmemory', '0');
    },
  },
  {
    name: 'two hundred clients leave in the middle of what they ask',
    strike: async () => {
      await Promise.all(
        Array.from({ length: 200 }, async (_, i) => {
          const stream = i % 2 === 0 && (await openStream().catch(() => null));
          if (stream) return stream.leave();
          const asked = request(client.graphqlUrl, { method: 'POST', headers: { 'content-type': 'application/json' } });
          asked.on('error', () => {});
          asked.write('{"query":"{ user(id: \\"u\\"');
          await once(asked, 'socket');
          asked.destroy();
        }),
      );
    },
  },
];

function openStream(): Promise<EventStream> {
  return EventStream.open(client.graphqlUrl, {
    method: 'POST',
    body: { query: 'subscription { userRiskProfileUpdated(userIds: ["passing"]) { cause } }' },
  });
}

/** Reads again and again, as a model does, and notes how long that takes. */
class Readers {
  readonly #client: ApiClient;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 8 });
  readonly #users: readonly string[];
  readonly #workers: Promise<void>[];
  #ending = false;
  #took: number[] = [];
  unavailable = 0;
  other: string[] = [];

  constructor(client: ApiClient, users: readonly string[], width: number) {
    this.#client = client;
    this.#users = users;
    this.#workers = Array.from({ length: width }, () => this.#work());
  }

  /** Milliseconds of what was read since it was last asked. */
  take(): number[] {
    const took = this.#took;
    this.#took = [];
    return took.sort((a, b) => a - b);
  }

  async end(): Promise<void> {
    this.#ending = true;
    await Promise.all(this.#workers);
    this.#agent.destroy();
  }

  async #work(): Promise<void> {
    while (!this.#ending) {
      const begun = performance.now();
      const answer = await this.#read(this.#users[Math.floor(Math.random() * this.#users.length)] as string);
      if (answer.includes('UNAVAILABLE')) {
        this.unavailable += 1;
        await sleep(20);
      } else if (answer.includes('errors')) this.other.push(answer);
      else this.#took.push(performance.now() - begun);
      await sleep(5);
    }
  }

  async #read(id: string): Promise<string> {
    const query = 'query ($id: ID!) { user(id: $id) { riskProfile { txnCount1h txnAmount24h uniqueMerchants24h } } }';
    const body = JSON.stringify({ query, variables: { id } });
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const asked = request(this.#client.graphqlUrl, { method: 'POST', agent: this.#agent, headers });
    asked.end(body);
    const [response] = await once(asked, 'response');
    let text = '';
    for await (const chunk of response) text += chunk;
    return text;
  }
}

interface Sample {
  readonly fault: string;
  readonly heapMb: number;
  readonly externalMb: number;
  readonly handles: number;
  readonly files: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** The median, of that of the one that is spared. */
  readonly ofSpared: number;
  readonly events: number;
}

it(
  `holds no more, and answers as fast, after ${faultCount} faults under mixed load as before`,
  async () => {
    const counts = CountsOf.some('soak');
    const watching = counts.watch(client);
    const load = new InsistentLoad({ ...counts, api: () => client, width: 2 });
    const readers = new Readers(client, counts.users, 4);
    const others = new Readers(sparedClient, counts.users, 4);
    const samples: Sample[] = [];
    const quiet = async (fault: string, begunWith: number) => {
      // What the fault has left behind it is over, and then some time has gone by as usual.
      await until(async () => (await client.get('/readyz')).status === 200, 30_000);
      await until(() => load.acknowledged > begunWith + 20, 30_000);
      for (const each of [readers, others]) each.take();
      await sleep(betweenMs);
      const took = readers.take();
      const { heapBytes, externalBytes, handles } = await api.state();
      const files = (await readdir(`/proc/${api.child.pid}/fd`)).length;
      const [heapMb, externalMb] = [heapBytes / 1e6, externalBytes / 1e6];
      const [p50Ms, p99Ms] = [quantile(took, 0.5), quantile(took, 0.99)];
      const ofSpared = p50Ms / quantile(others.take(), 0.5);
      samples.push({ fault, heapMb, externalMb, handles, files, p50Ms, p99Ms, ofSpared, events: load.acknowledged });
    };
    await quiet('(none)', 0);
    for (let i = 0; i < faultCount; i++) {
      const { name, strike } = faults[i % faults.length] as (typeof faults)[number];
      const begunWith = load.acknowledged;
      await strike();
      await quiet(name, begunWith);
    }
    await Promise.all([readers.end(), others.end()]);
    await load.end();
    await counts.expectThere(client, load);
    await watching.healed(load);
    await watching.close();
    process.stdout.write(`${report(samples)}\n`);
    load.tell(`${faultCount} faults`, { readsUnavailable: readers.unavailable });
    expect(readers.other).toEqual([]);

    const early = samples.slice(1, 1 + faults.length);
    const late = samples.slice(-faults.length);
    const grown = (of: 'heapMb' | 'externalMb' | 'handles' | 'files') =>
      median(late.map((one) => one[of])) - median(early.map((one) => one[of]));
    expect(grown('files')).toBeLessThanOrEqual(2);
    expect(grown('handles')).toBeLessThanOrEqual(4);
    expect(grown('heapMb')).toBeLessThan(8);
    expect(grown('externalMb')).toBeLessThan(8);
    const slowness = (some: readonly Sample[]) => median(some.map(({ ofSpared }) => ofSpared));
    // Of a few seconds each, times tell of chance.
    if (isLong) expect(slowness(late)).toBeLessThan(1.5 * slowness(early));
  },
  faultCount * (betweenMs + 60_000),
);

/** A line a fault: what was there some time after it. Times are of the machine, too; how long of what another one takes is ours. */
function report(samples: readonly Sample[]): string {
  const heads = ['heap MB', 'outside MB', 'handles', 'files', 'read p50 ms', 'p99 ms', 'of spared', 'events'];
  return table(
    [{ head: 'after', left: true }, ...heads.map((head) => ({ head }))],
    samples.map(({ fault, heapMb, externalMb, handles, files, p50Ms, p99Ms, ofSpared, events }) => [
      fault,
      digits(heapMb),
      digits(externalMb),
      whole(handles),
      whole(files),
      digits(p50Ms),
      digits(p99Ms),
      digits(ofSpared),
      whole(events),
    ]),
  );
}
