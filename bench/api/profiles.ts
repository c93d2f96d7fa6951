import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LoadTarget } from '../load/load-generator.ts';
import { profileText, summarize } from '../report/cpu-profile.ts';
import type { ContenderProcess } from './contender-process.ts';
import { Past } from './past.ts';
import { selections } from './profile-requests.ts';
import { checkedTarget, drawQueries, readConnections } from './read.ts';
import type { ReadContender } from './readers.ts';
import { httpRecorder, recordRequests, startOwnServers } from './recorders.ts';
import type { SeededUser } from './seeded-users.ts';
import type { Stage } from './stage.ts';

const warmUpSeconds = 2;
const leastSeconds = 4;
const sizes = [
  { size: 1, what: 'one user' },
  { size: 100, what: 'a hundred users' },
];

/** Has ours sampled under load once it is warm, and shows where its processor time goes; the profiles go to a folder. */
export class ProfileTaker {
  readonly #stage: Stage;
  readonly #folder: string;

  constructor(stage: Stage, folder: string) {
    this.#stage = stage;
    this.#folder = folder;
  }

  async ofReads(users: readonly SeededUser[], contenders: readonly ReadContender[]): Promise<void> {
    for (const { name, readersFor } of contenders.filter(({ isOwn }) => isOwn)) {
      for (const { size, what } of sizes) {
        const [reader] = readersFor(size);
        if (!reader) continue;
        for (const selection of selections) {
          const title = `${name}, ${what}, ${selection.name}`;
          const queries = drawQueries(users, { users: size, queries: 300 }, this.#stage.options.seed);
          const target = await checkedTarget(this.#stage, title, reader, queries, selection);
          await this.#take(title, reader.process, (seconds) => closed(target, readConnections, seconds));
        }
      }
    }
  }

  async ofRecording(): Promise<void> {
    const past = await Past.record(this.#stage.server, this.#stage.options.seed);
    const servers = await startOwnServers(this.#stage, past);
    try {
      for (const server of servers) {
        for (const size of [100, 1] as const) {
          const requests = recordRequests(this.#stage.options.seed, size);
          const recorder = await httpRecorder(this.#stage, server, size, requests);
          const pace = recorder.paces[1] ?? recorder.paces[0];
          if (!pace) continue;
          await this.#take(
            `${server.name}, ${size === 1 ? 'one event' : `${size} events`} a mutation`,
            server.process,
            async (seconds) => {
              const { units, seconds: took } = await recorder.load(pace, seconds);
              return units / took;
            },
          );
        }
      }
    } finally {
      await Promise.all(servers.map(({ process }) => process.stop()));
    }
  }

  /** @param load puts it under load for so long; how much it did a second. */
  async #take(title: string, process: ContenderProcess, load: (seconds: number) => Promise<number>): Promise<void> {
    await load(warmUpSeconds);
    await process.ask('profile');
    const perSecond = await load(Math.max(leastSeconds, this.#stage.options.seconds));
    const text = (await process.ask('profiled')) as string;
    const file = join(this.#folder, `${title.toLowerCase().replace(/[^a-z0-9]+/g, '-')}.cpuprofile`);
    await mkdir(this.#folder, { recursive: true });
    await writeFile(file, text);
    this.#stage.print(`\n${title}: ${perSecond.toFixed(0)}/s while sampled; ${file}`);
    this.#stage.print(profileText(summarize(JSON.parse(text))));
  }
}

async function closed(target: LoadTarget, connections: number, seconds: number): Promise<number> {
  const run = await target.closedLoop({ connections, seconds });
  return run.requests / run.seconds;
}
