import type { Worker } from 'node:cluster';
import cluster from 'node:cluster';
import { once } from 'node:events';
import { Session } from 'node:inspector/promises';

/** What a process, and its workers where it has some, has used: processor time in microseconds, and bytes. */
export interface Usage {
  readonly cpuUs: number;
  readonly heapBytes: number;
  readonly rssBytes: number;
}

/**
 * Loaded before a server's own module, it answers the bench: `usage`, the same after a collection of garbage (`collected`), and
 * `profile` and `profiled`, between which its processor time is sampled; the last answers with the profile, as text.
 */
const questions = ['usage', 'collected', 'profile', 'profiled'] as const;
type Question = (typeof questions)[number];

let session: Session | undefined;

process.on('message', (message: unknown) => {
  const question = questions.find((one) => one === message);
  if (question) void answer(question).then((answered) => process.send?.(answered));
});
// A worker lives by its channel.
if (!cluster.isWorker) process.channel?.unref();

async function answer(question: Question): Promise<unknown> {
  const own = await answers[question]();
  const workers = Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
  if (workers.length === 0) return own;
  const all = await Promise.all(workers.map((worker) => ask(worker, question)));
  if (question === 'profiled') return all[0];
  return question === 'profile' ? own : all.reduce<Usage>(sum, own as Usage);
}

async function ask(worker: Worker, question: Question): Promise<Usage> {
  const answered = once(worker, 'message');
  worker.send(question);
  return (await answered)[0];
}

function sum(a: Usage, b: Usage): Usage {
  return {
    cpuUs: a.cpuUs + b.cpuUs,
    heapBytes: a.heapBytes + b.heapBytes,
    rssBytes: a.rssBytes + b.rssBytes,
  };
}

const answers: { readonly [Q in Question]: () => Usage | Promise<unknown> } = {
  usage,
  collected() {
    // What is only reachable by what a first collection finalizes goes with a second.
    for (let i = 0; i < 2; i++) globalThis.gc?.();
    return usage();
  },
  async profile() {
    session = new Session();
    session.connect();
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: 200 });
    await session.post('Profiler.start');
    return null;
  },
  async profiled() {
    const { profile } = (await session?.post('Profiler.stop')) ?? { profile: null };
    session?.disconnect();
    return JSON.stringify(profile);
  },
};

function usage(): Usage {
  const { user, system } = process.cpuUsage();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { cpuUs: user + system, heapBytes: heapUsed + external, rssBytes: rss };
}
