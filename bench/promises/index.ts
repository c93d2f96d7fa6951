import { connect } from '../../src/valkey/index.ts';
import { type ContenderProcess, startOwn } from '../api/contender-process.ts';
import { type BatchSize, recordRequests } from '../api/recorders.ts';
import { interleave, medianOf, type Turn, takeTurn } from '../api/turn.ts';
import type { Bench } from '../bench.ts';
import { LoadGenerator, type LoadTarget } from '../load/load-generator.ts';
import type { LoadRequest } from '../load/request.ts';
import { median } from '../report/statistics.ts';
import { digits, table, whole } from '../report/table.ts';
import { serverAddress } from '../server.ts';
import { type Store, startReplicatedStore, startStore } from './stores.ts';

/** What is promised of an acknowledged event, and a store that can keep it. */
interface Promised {
  readonly acknowledge: string;
  readonly what: string;
  readonly start: () => Promise<Store>;
}

const promises: readonly Promised[] = [
  { acknowledge: 'memory', what: 'synced each second', start: () => startStore(false) },
  { acknowledge: 'fsync', what: 'synced at each write', start: () => startStore(true) },
  { acknowledge: 'replica:1', what: 'a replica on this machine', start: startReplicatedStore },
];

const loads: readonly { readonly size: BatchSize; readonly connections: readonly number[] }[] = [
  { size: 1, connections: [1, 64] },
  { size: 100, connections: [8] },
];

interface Contender extends Promised {
  readonly store: Store;
  readonly process: ContenderProcess;
}

/** What it costs to promise more of an acknowledged event than that it is in memory. */
export const promisesBench: Bench = {
  summary:
    'what each FRESHET_ACK costs: events a second and how long an answer takes, in memory, on disk, with a replica',
  defaultSeconds: 1,
  defaultRepetitions: 7,
  async run(_server, { seed, seconds, repetitions }, print) {
    print(
      'Each promise has a Valkey and an API of its own; both views are recorded, all in the same rounds. The disk, and the replica, are of\n' +
        'this machine: others take longer to sync, and to be reached.\n',
    );
    const generator = new LoadGenerator();
    const contenders = await Promise.all(
      promises.map(async (promised): Promise<Contender> => {
        const store = await promised.start();
        const settings = { valkeyUrl: store.url, keyPrefix: 'bench', workers: 1, acknowledge: promised.acknowledge };
        return { ...promised, store, process: await startOwn(settings) };
      }),
    );
    try {
      for (const { size, connections } of loads) {
        const targets = await targetsOf(generator, contenders, recordRequests(seed, size), size);
        for (const atATime of connections) {
          const turns = await measure(targets, { size, atATime, seconds, repetitions });
          print(`${size === 1 ? 'an event' : `${size} events`} a mutation, ${atATime} at a time`);
          print(`${table(columns, rowsOf(contenders, turns))}\n`);
        }
      }
    } finally {
      await generator.stop();
      for (const { process, store } of contenders) {
        await process.stop();
        await store.stop();
      }
    }
    return [];
  },
};

type Targets = ReadonlyMap<Contender, LoadTarget>;

async function targetsOf(
  generator: LoadGenerator,
  contenders: readonly Contender[],
  requests: readonly LoadRequest[],
  size: BatchSize,
): Promise<Targets> {
  const targets = new Map<Contender, LoadTarget>();
  for (const one of contenders) {
    const target = await generator.target(`${one.acknowledge}, ${size}`, one.process.port, requests);
    await target.learn(1, 1);
    targets.set(one, target);
  }
  return targets;
}

interface Load {
  readonly size: BatchSize;
  readonly atATime: number;
  readonly seconds: number;
  readonly repetitions: number;
}

async function measure(
  targets: Targets,
  { size, atATime, seconds, repetitions }: Load,
): Promise<Map<Contender, Turn[]>> {
  const load = { connections: atATime, seconds };
  for (const target of targets.values()) await target.closedLoop(load); // so that all are warm
  return interleave([...targets.keys()], repetitions, async (one) => {
    const valkey = connect(serverAddress(one.store.url));
    try {
      return await takeTurn(valkey, one.process, async () => {
        const run = await (targets.get(one) as LoadTarget).closedLoop(load);
        return { ...run, units: run.requests * size, allUnits: run.allRequests * size };
      });
    } finally {
      valkey.disconnect();
    }
  });
}

const columns = [
  { head: 'FRESHET_ACK', left: true },
  { head: 'its Valkey', left: true },
  { head: 'events/s' },
  { head: 'of memory' },
  { head: 'p50 ms' },
  { head: 'p99 ms' },
];

function rowsOf(contenders: readonly Contender[], turns: ReadonlyMap<Contender, readonly Turn[]>): string[][] {
  const [first] = contenders as readonly [Contender];
  const base = turns.get(first) ?? [];
  return contenders.map((one) => {
    const own = turns.get(one) ?? [];
    const share = median(own.map(({ perSecond }, round) => perSecond / (base[round]?.perSecond ?? Number.NaN)));
    const [perSecond, p50, p99] = (['perSecond', 'p50Ms', 'p99Ms'] as const).map((of) => medianOf(own, of));
    return [
      one.acknowledge,
      one.what,
      whole(perSecond as number),
      digits(share),
      digits(p50 as number),
      digits(p99 as number),
    ];
  });
}
