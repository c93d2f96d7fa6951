import { type MeasuredApi, startApi } from '../api-process.ts';
import type { Bench, BenchOptions } from '../bench.ts';
import { Deadline, OutOfTimeError } from '../deadline.ts';
import { type Requirement, worstOf } from '../report/requirement.ts';
import { timesAsLong } from '../report/statistics.ts';
import { digits, table, whole } from '../report/table.ts';
import type { BenchServer } from '../server.ts';
import { ApiCrowd } from './api-crowd.ts';
import type { Crowd } from './crowd.ts';
import { emptyFanOut, type FanOut, fanOut, p50, p99 } from './fan-out.ts';
import { type Audience, footprintOf } from './footprint.ts';
import { type LoadFindings, load } from './load.ts';
import { type Relay, RelayCrowd, startRelay } from './relay-crowd.ts';
import { ValkeyCrowd } from './valkey-crowd.ts';

const sizes = [1, 100, 10_000];
/** Rounds that are not counted, in which code is compiled and connections fill their buffers. */
const warmUps = 3;
/** Of few messages each: the more of them there are, the less a round of them tells. */
const roundsPerRepetition = { few: 10, many: 1 };
const fewMessages = 1_000;

const eventsPerSecond = 1_000;
const loadWatchers = 1_000;
const mostLoadSeconds = 10;

const mostToBare = 3;
const mostLoadMs = 50;
const mostBytes = 4_096;

/** The ways by which an event reaches its receivers. */
const ways = ['Freshet', 'bare relay', 'bare Valkey'] as const;
type Way = (typeof ways)[number];

/** From what happened to who watches: how long it takes, how many it reaches, and what a subscription costs. */
export const liveBench: Bench = {
  summary: 'from an event to who watches, beside a bare PUBLISH and a bare WebSocket broadcast; bytes a subscription',
  async run(server, options, print) {
    const prefix = server.prefix();
    const api = await startApi({ valkeyUrl: server.url, keyPrefix: prefix, clock: 'wall' });
    const relay = await startRelay(server.url, `${prefix}:relay`);
    try {
      print(
        'One event at a time, and all receivers of one user told of it, on up to 100 sockets; each way in turn. Freshet: a transaction\n' +
          'recorded over HTTP, and a GraphQL subscription a receiver at its default pace. Bare relay: a text POSTed to a process that\n' +
          'PUBLISHes it, and sends what it is SUBSCRIBEd to by ws, as it is, once a receiver. Bare Valkey: a PUBLISH, and connections\n' +
          'to Valkey itself. Messages are as long everywhere, and the receivers, all in the process of the bench, count them and do\n' +
          'not parse them. Milliseconds; pushed: from when the event was acknowledged to when a receiver has it, less than 0 where that\n' +
          'comes first; in all: from when it was sent; updates/s: from when it was sent to the last of its receivers. The relay hears\n' +
          'from Valkey what it published before it is answered, and sends it first: what it pushes seems early, since it acknowledges late.\n',
      );
      const fanOuts = await fanOutsOf(server, { api, relay, prefix }, options, print);
      const loaded = await loadOf(api, options, print);
      const footprints = await footprintsOf(api, options, print);
      return [...fanOutRequirements(fanOuts), ...loadRequirements(loaded), ...footprintRequirements(footprints)];
    } finally {
      await Promise.all([api.stop(), relay.stop()]);
    }
  },
};

interface Sides {
  readonly api: MeasuredApi;
  readonly relay: Relay;
  readonly prefix: string;
}

/** Of so many receivers; null: not done in time. */
interface SizedFanOut {
  readonly size: number;
  readonly found: { readonly [W in Way]: FanOut } | null;
}

async function fanOutsOf(
  server: BenchServer,
  sides: Sides,
  options: BenchOptions,
  print: (text: string) => void,
): Promise<SizedFanOut[]> {
  const rows: string[][] = [];
  const all: SizedFanOut[] = [];
  for (const size of new Set(sizes.map((one) => Math.min(one, options.most)))) {
    const found = await orNull(fanOutOf(server, sides, size, options));
    all.push({ size, found });
    if (!found) rows.push([whole(size), 'out of time']);
    for (const way of ways) if (found) rows.push(rowOf(size, way, found[way], found['bare relay']));
  }
  print(
    table(
      [
        { head: 'receivers' },
        { head: '', left: true },
        ...['events', 'acknowledged', 'pushed p50', 'p99', 'in all p50', 'p99', 'to bare', 'updates/s'].map((head) => ({
          head,
        })),
      ],
      rows,
    ),
  );
  return all;
}

function rowOf(size: number, way: Way, found: FanOut, bare: FanOut): string[] {
  const { acknowledgedMs, pushedMs, receivedMs, completeMs } = found;
  return [
    whole(size),
    way,
    whole(completeMs.length),
    digits(p50(acknowledgedMs)),
    digits(p50(pushedMs)),
    digits(p99(pushedMs)),
    digits(p50(receivedMs)),
    digits(p99(receivedMs)),
    digits(p50(receivedMs) / p50(bare.receivedMs)),
    whole((1_000 * size) / p50(completeMs)),
  ];
}

async function fanOutOf(
  server: BenchServer,
  { api, relay, prefix }: Sides,
  size: number,
  { repetitions, seconds }: BenchOptions,
): Promise<{ readonly [W in Way]: FanOut }> {
  const deadline = new Deadline(seconds);
  const own = await ApiCrowd.open(api, size);
  const crowds: { readonly [W in Way]: Crowd } = {
    Freshet: own,
    'bare relay': await RelayCrowd.open(relay, size, own.sample),
    'bare Valkey': await ValkeyCrowd.open(server.url, `${prefix}:bare`, size, own.sample),
  };
  try {
    const found = { Freshet: emptyFanOut(), 'bare relay': emptyFanOut(), 'bare Valkey': emptyFanOut() };
    const rounds = repetitions * (size <= fewMessages ? roundsPerRepetition.few : roundsPerRepetition.many);
    for (let round = -warmUps; round < rounds; round++) {
      for (const way of ways) await fanOut(crowds[way], round < 0 ? emptyFanOut() : found[way], deadline);
    }
    return found;
  } finally {
    for (const way of ways) crowds[way].close();
  }
}

function fanOutRequirements(fanOuts: readonly SizedFanOut[]): Requirement[] {
  const toBare = (of: (found: FanOut) => readonly number[]) =>
    fanOuts.map(({ size, found }) => ({
      at: `${whole(size)} watchers`,
      found: found && timesAsLong(p50(of(found.Freshet)), p50(of(found['bare relay']))),
    }));
  return [
    ...toBare(({ receivedMs }) => receivedMs).map(({ at, found }) => ({
      what: `${at}: p50 from sent to received, to the bare relay`,
      found,
      limit: mostToBare,
      show: digits,
    })),
    ...toBare(({ pushedMs }) => pushedMs).map(({ at, found }) => ({
      what: `${at}: p50 from acknowledged to received, to the bare relay`,
      found,
      limit: mostToBare,
      show: digits,
    })),
  ];
}

async function loadOf(
  api: MeasuredApi,
  { seconds, most }: BenchOptions,
  print: (text: string) => void,
): Promise<LoadFindings> {
  const watchers = Math.min(loadWatchers, most);
  const found = await load(api, { watchers, eventsPerSecond, seconds: Math.min(mostLoadSeconds, seconds) });
  print(
    `\n${whole(eventsPerSecond)} events/s of ${whole(watchers)} users in turn, ten a request, each watched by one: ${whole(found.events)} events and ` +
      `${whole(found.messages)} messages in ${digits(found.seconds)} s;\n` +
      `pushed in ms: p50 ${digits(p50(found.pushedMs))}, p99 ${digits(p99(found.pushedMs))}, at most ${digits(Math.max(...found.pushedMs))}`,
  );
  return found;
}

function loadRequirements({ pushedMs }: LoadFindings): Requirement[] {
  const what = `${whole(eventsPerSecond)} events/s, ${whole(loadWatchers)} watchers: p99 from acknowledged to received, ms`;
  return [{ what, found: p99(pushedMs), limit: mostLoadMs, show: digits }];
}

interface SizedFootprint extends Audience {
  /** Of the heap, for each entity of each subscription. */
  readonly bytesEach: number;
}

async function footprintsOf(
  api: MeasuredApi,
  { most }: BenchOptions,
  print: (text: string) => void,
): Promise<SizedFootprint[]> {
  const many = Math.min(10_000, most);
  const audiences: Audience[] = [
    { what: 'all of one entity', subscriptions: many, each: 1, entities: 1 },
    { what: 'each of an entity of its own', subscriptions: many, each: 1, entities: many },
    {
      what: 'each of as many entities as it may',
      subscriptions: 50,
      each: Math.min(1_000, most),
      entities: Math.min(50_000, 50 * most),
    },
    {
      what: 'all of the same thousand',
      subscriptions: 50,
      each: Math.min(1_000, most),
      entities: Math.min(1_000, most),
    },
  ];
  // What is kept for all of them alike, such as compiled code, is no part of what one takes.
  for (const audience of audiences) await footprintOf(api, audience);
  const found: SizedFootprint[] = [];
  const rows: string[][] = [];
  for (const audience of audiences) {
    const { what, subscriptions, each, entities } = audience;
    const { heapBytes, residentBytes } = await footprintOf(api, audience);
    const bytesEach = heapBytes / (subscriptions * each);
    found.push({ ...audience, bytesEach });
    rows.push([
      what,
      whole(subscriptions),
      whole(entities),
      whole(heapBytes / subscriptions),
      whole(bytesEach),
      whole(residentBytes / (subscriptions * each)),
    ]);
  }
  print(
    `\nBytes of the API process for subscriptions on 100 sockets, without these, once their snapshots were sent\n\n${table(
      [
        { head: 'subscriptions', left: true },
        ...['', 'entities', 'heap, a subscription', 'heap, an entity of it', 'resident'].map((head) => ({ head })),
      ],
      rows,
    )}`,
  );
  return found;
}

function footprintRequirements(found: readonly SizedFootprint[]): Requirement[] {
  const cases = found.map(({ what, bytesEach }) => ({ at: what, found: bytesEach }));
  return [worstOf('heap for a watched entity and its watcher, bytes', mostBytes, whole, cases)];
}

async function orNull<T>(measurement: Promise<T>): Promise<T | null> {
  try {
    return await measurement;
  } catch (error) {
    if (error instanceof OutOfTimeError) return null;
    throw error;
  }
}
