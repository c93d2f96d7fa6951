import { type ContenderProcess, type Peer, startOwn, startPeer } from './contender-process.ts';
import { address, type Form, graphql, json } from './profile-requests.ts';
import type { Stage } from './stage.ts';

/** A way in which a contender may be run and asked. */
export interface Reader {
  readonly process: ContenderProcess;
  readonly form: Form;
  /** What is peculiar to it, for people. */
  readonly settings: string;
}

/** One who serves the seeded profiles. */
export interface ReadContender {
  readonly name: string;
  readonly isOwn: boolean;
  /** The ways that may be fastest for queries of so many users. */
  readersFor(users: number): readonly Reader[];
}

const peers: readonly { readonly name: string; readonly peer: Peer; readonly forms: readonly Form[] }[] = [
  { name: 'Mercurius JIT', peer: 'mercurius', forms: [graphql] },
  { name: 'Apollo Server', peer: 'apollo', forms: [graphql] },
  { name: 'Yoga', peer: 'yoga', forms: [graphql] },
  { name: 'node:http', peer: 'raw', forms: [address, json] },
];

/** Ours, with so many workers. */
export function ownName(workers: number): string {
  return workers === 1 ? 'Freshet' : `Freshet ×${workers}`;
}

/** Starts all of them, or ours: peers with the client's auto-pipelining and without. */
export async function startReaders(stage: Stage, keyPrefix: string, which: 'all' | 'ours'): Promise<ReadContender[]> {
  const own = stage.options.workers.map(async (workers): Promise<ReadContender> => {
    const process = await startOwn({ valkeyUrl: stage.server.url, keyPrefix, workers });
    return { name: ownName(workers), isOwn: true, readersFor: () => [{ process, form: graphql, settings: '' }] };
  });
  const others = (which === 'all' ? peers : []).map(async ({ name, peer, forms }): Promise<ReadContender> => {
    const { host, port } = addressOf(stage.server.url);
    const start = (autoPipelining: boolean) => startPeer(peer, { host, port, keyPrefix, autoPipelining });
    const [plain, automatic] = await Promise.all([start(false), start(true)]);
    const readersFor = (users: number) =>
      forms.flatMap((form): Reader[] => {
        if (form === address && users > 1) return [];
        const called = forms.length > 1 ? `${form.name}, ` : '';
        const byItself = { process: plain, form, settings: `${called}${users > 1 ? 'a pipeline a query' : 'HMGET'}` };
        // Of many users there is one pipeline anyway.
        if (users > 1) return [byItself];
        return [byItself, { process: automatic, form, settings: `${called}auto-pipelining` }];
      });
    return { name, isOwn: false, readersFor };
  });
  return Promise.all([...own, ...others]);
}

/** Of the Valkey at a URL. */
export function addressOf(valkeyUrl: string): { host: string; port: number } {
  const url = new URL(valkeyUrl.replace(/^[a-z]+:/, 'http:'));
  return { host: url.hostname, port: Number(url.port || 6379) };
}

/** Ends their processes. */
export async function stopReaders(contenders: readonly ReadContender[]): Promise<void> {
  const processes = new Set(
    contenders.flatMap(({ readersFor }) =>
      [1, 100].flatMap((users) => readersFor(users).map(({ process }) => process)),
    ),
  );
  await Promise.all([...processes].map((process) => process.stop()));
}
