import { Random } from '../../src/simulate/index.ts';
import type { LoadTarget } from '../load/load-generator.ts';
import { type LoadRequest, postJson, unstampedId, unstampedTime } from '../load/request.ts';
import type { PlainOrder, PlainRun } from '../peers/plain-client.ts';
import { quantile } from '../report/statistics.ts';
import { drawPayment } from '../simulate/payments.ts';
import { type ContenderProcess, startOwn, startPeer } from './contender-process.ts';
import type { Past } from './past.ts';
import { addressOf, ownName } from './readers.ts';
import type { Kind } from './recorded.ts';
import type { Stage } from './stage.ts';
import type { Loaded } from './turn.ts';

/** How much a recorder is given to do at a time. */
export interface Pace {
  /** For people. */
  readonly name: string;
  /** Of HTTP; of the bare client, pipelines under way. */
  readonly atATime: number;
  /** Of HTTP, events a mutation; of the bare client, a pipeline. */
  readonly events: number;
}

/** One who records events under a key prefix of its own. */
export interface Recorder {
  readonly name: string;
  readonly kind: Kind;
  readonly isOwn: boolean;
  readonly keyPrefix: string;
  readonly process: ContenderProcess;
  /** Among which it is tuned. */
  readonly paces: readonly Pace[];
  /** How many events it has acknowledged, ever. */
  events(): number;
  load(pace: Pace, seconds: number): Promise<Loaded>;
}

const differentRequests = { 1: 20_000, 100: 1_000 } as const;
export type BatchSize = keyof typeof differentRequests;

const connectionsOf: { readonly [B in BatchSize]: readonly number[] } = { 1: [16, 32, 64, 128], 100: [2, 4, 8, 16] };

const mutations: { readonly [B in BatchSize]: { readonly operationName: string; readonly query: string } } = {
  1: {
    operationName: 'RecordTransaction',
    query:
      'mutation RecordTransaction($input: TransactionInput!) {\n  recordTransaction(input: $input) {\n    status\n  }\n}',
  },
  100: {
    operationName: 'RecordTransactions',
    query:
      'mutation RecordTransactions($input: [TransactionInput!]!) {\n  recordTransactions(input: $input) {\n    recorded\n    duplicates\n    tooLate\n    rejected\n    unavailable\n  }\n}',
  },
};

const expectedAnswers: { readonly [B in BatchSize]: unknown } = {
  1: { data: { recordTransaction: { status: 'RECORDED' } } },
  100: { data: { recordTransactions: { recorded: 100, duplicates: 0, tooLate: 0, rejected: 0, unavailable: 0 } } },
};

/** The same payments for all, as mutations of so many each. */
export function recordRequests(seed: number, size: BatchSize): LoadRequest[] {
  const random = new Random(seed);
  const payment = () => ({
    ...drawPayment(random),
    transactionId: unstampedId(`by-${size}`),
    occurredAt: unstampedTime,
  });
  return Array.from({ length: differentRequests[size] }, () => {
    const input = size === 1 ? payment() : Array.from({ length: size }, payment);
    return postJson('/graphql', { ...mutations[size], variables: { input } });
  });
}

/** A server, and what it has been sent in batches of each size. */
class HttpRecorder {
  readonly name: string;
  readonly kind: Kind;
  readonly isOwn: boolean;
  readonly keyPrefix: string;
  readonly process: ContenderProcess;
  readonly paces: readonly Pace[];
  readonly #target: LoadTarget;

  constructor(server: RecordServer, size: BatchSize, target: LoadTarget) {
    this.name = server.name;
    this.kind = server.kind;
    this.isOwn = server.isOwn;
    this.keyPrefix = server.keyPrefix;
    this.process = server.process;
    this.#target = target;
    this.paces = connectionsOf[size].map((atATime) => ({ name: `${atATime} connections`, atATime, events: size }));
  }

  events(): number {
    return this.#target.events;
  }

  async load({ atATime, events }: Pace, seconds: number): Promise<Loaded> {
    const run = await this.#target.closedLoop({ connections: atATime, seconds });
    return { ...run, units: run.requests * events, allUnits: run.allRequests * events };
  }
}

/** A server that records what mutations bring. */
export interface RecordServer {
  readonly name: string;
  readonly kind: Kind;
  readonly isOwn: boolean;
  readonly keyPrefix: string;
  readonly process: ContenderProcess;
}

/** Has a server known to the generator, and sees that it answers as it should. */
export async function httpRecorder(
  stage: Stage,
  server: RecordServer,
  size: BatchSize,
  requests: readonly LoadRequest[],
): Promise<Recorder> {
  const target = await stage.generator.target(`${server.name}, ${size}`, server.process.port, requests);
  const [body] = await target.learn(1, 1);
  const [found, must] = [JSON.stringify(JSON.parse(String(body))), JSON.stringify(expectedAnswers[size])];
  if (found !== must) throw new Error(`${server.name} answered ${found}, not ${must}`);
  return new HttpRecorder(server, size, target);
}

/** Ours with the user's view alone and with both, once with each number of workers. */
export function startOwnServers(stage: Stage, past: Past): Promise<RecordServer[]> {
  const kinds = [
    { kind: 'user', what: 'user view' },
    { kind: 'both', what: 'both views' },
  ] as const;
  return Promise.all(
    stage.options.workers.flatMap((workers) =>
      kinds.map(async ({ kind, what }): Promise<RecordServer> => {
        const keyPrefix = await past.copy(kind);
        const settings = { valkeyUrl: stage.server.url, keyPrefix, workers, userViewAlone: kind === 'user' };
        const process = await startOwn(settings);
        return { name: `${ownName(workers)}, ${what}`, kind, isOwn: true, keyPrefix, process };
      }),
    ),
  );
}

/** The plain patterns in a Mercurius JIT resolver. */
export async function startMercurius(stage: Stage, past: Past): Promise<RecordServer> {
  const keyPrefix = await past.copy('plain');
  const process = await startPeer('mercurius', { ...addressOf(stage.server.url), keyPrefix, autoPipelining: false });
  return { name: 'Mercurius JIT, patterns', kind: 'plain', isOwn: false, keyPrefix, process };
}

/** The plain patterns by a client of their own. */
export async function startPlainClient(stage: Stage, past: Past): Promise<Recorder> {
  const keyPrefix = await past.copy('plain');
  const process = await startPeer('plain-client', { ...addressOf(stage.server.url), keyPrefix, autoPipelining: false });
  let events = 0;
  return {
    name: 'bare client, patterns',
    kind: 'plain',
    isOwn: false,
    keyPrefix,
    process,
    paces: [50, 100, 200, 400].flatMap((size) =>
      [1, 2].map((atATime) => ({ name: `${atATime} × ${size} events`, atATime, events: size })),
    ),
    events: () => events,
    async load({ atATime, events: eventsAPipeline }, seconds) {
      const order: PlainOrder = { eventsAPipeline, atATime, seconds, seed: stage.options.seed };
      const run = (await process.ask(order)) as PlainRun;
      events += run.allEvents;
      return {
        units: run.events,
        seconds: run.seconds,
        allUnits: run.allEvents,
        p50Ms: quantile(run.tookMs, 0.5),
        p99Ms: quantile(run.tookMs, 0.99),
        cpuUs: null,
      };
    },
  };
}
