import { findFreePort } from '../../src/valkey/embedded/launch.ts';
import { ServerProcess } from './server-process.ts';
import { until } from './until.ts';

const slotCount = 16_384;
const primaryCount = 3;

/** A range of slots, both ends included. */
type Slots = readonly [from: number, to: number];

/** Six servers on the loopback: three primaries, a third of the slots each, and a replica of each. */
export class ValkeyCluster {
  readonly nodes: readonly ServerProcess[];

  private constructor(nodes: readonly ServerProcess[]) {
    this.nodes = nodes;
  }

  /** @param settings of each node, beside what makes it one. */
  static async start(settings: { readonly [name: string]: string } = {}): Promise<ValkeyCluster> {
    const started = await Promise.allSettled(
      Array.from({ length: 2 * primaryCount }, () =>
        ServerProcess.start({
          settings: {
            'cluster-enabled': 'yes',
            'cluster-node-timeout': '1500',
            'repl-diskless-sync-delay': '0',
            'cluster-replica-validity-factor': '0',
            ...settings,
          },
          // The bus would be at a port that there may not be.
          configuration: async () => ['--save', '', '--cluster-port', String(await findFreePort())],
        }),
      ),
    );
    const nodes = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const cluster = new ValkeyCluster(nodes);
    try {
      const failure = started.find((one) => one.status === 'rejected');
      if (failure) throw failure.reason;
      await cluster.#assemble();
    } catch (error) {
      await cluster.destroy();
      throw error;
    }
    return cluster;
  }

  get url(): string {
    return `valkey+cluster://${this.nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`;
  }

  async #assemble(): Promise<void> {
    const { nodes } = this;
    const [first] = nodes as [ServerProcess];
    await Promise.all(
      nodes.map(async ({ admin }, i) => {
        await admin.call('CLUSTER', 'SET-CONFIG-EPOCH', i + 1);
        if (i >= primaryCount) return;
        const from = Math.ceil((i * slotCount) / primaryCount);
        const to = Math.ceil(((i + 1) * slotCount) / primaryCount) - 1;
        await admin.call('CLUSTER', 'ADDSLOTSRANGE', from, to);
      }),
    );
    for (const { admin, port, busPort } of await this.#ports()) {
      if (port !== first.port) await first.admin.call('CLUSTER', 'MEET', '127.0.0.1', port, busPort);
      void admin;
    }
    await this.#untilAll(({ admin }) =>
      admin.cluster('INFO').then((info) => info.includes(`cluster_known_nodes:${nodes.length}`)),
    );
    for (let i = 0; i < primaryCount; i++) {
      const id = await (nodes[i] as ServerProcess).admin.cluster('MYID');
      await (nodes[i + primaryCount] as ServerProcess).admin.call('CLUSTER', 'REPLICATE', id);
    }
    await this.whenWell();
  }

  async #ports() {
    return Promise.all(
      this.nodes.map(async ({ admin, port }) => {
        const [, busPort] = (await admin.config('GET', 'cluster-port')) as [string, string];
        return { admin, port, busPort };
      }),
    );
  }

  /** Waits until every node that lives finds the cluster well, and every replica follows its primary. */
  async whenWell(nodes = this.nodes): Promise<void> {
    await this.#untilAll(async ({ admin }) => {
      const [info, replication] = await Promise.all([admin.cluster('INFO'), admin.info('replication')]);
      const isFollowed = /role:master/.test(replication) || /master_link_status:up/.test(replication);
      return /cluster_state:ok/.test(info) && /cluster_slots_ok:16384/.test(info) && isFollowed;
    }, nodes);
  }

  async #untilAll(look: (node: ServerProcess) => Promise<boolean>, nodes = this.nodes): Promise<void> {
    await Promise.all(nodes.map((node) => until(() => look(node).catch(() => false), 30_000)));
  }

  /** Has a replica leave its primary, and join as one that has no slots yet. */
  async joinAsPrimary(witness: ServerProcess): Promise<ServerProcess> {
    const primaries = await this.primaries(witness);
    const joining = this.nodes.find((node) => !primaries.includes(node)) as ServerProcess;
    const id = await joining.admin.cluster('MYID');
    await joining.admin.call('CLUSTER', 'RESET', 'HARD');
    await Promise.all(
      this.nodes.filter((node) => node !== joining).map(({ admin }) => admin.call('CLUSTER', 'FORGET', id)),
    );
    const [, busPort] = (await joining.admin.config('GET', 'cluster-port')) as [string, string];
    await witness.admin.call('CLUSTER', 'MEET', '127.0.0.1', joining.port, busPort);
    const newId = await joining.admin.cluster('MYID');
    await this.#untilAll(async ({ admin }) => String(await admin.cluster('NODES')).includes(newId));
    await until(async () => /cluster_state:ok/.test(await joining.admin.cluster('INFO')));
    return joining;
  }

  /** Who has a slot, as this node tells: the node that takes writes for it; null while nobody is known. */
  async ownerOf(slot: number, asked: ServerProcess): Promise<ServerProcess | null> {
    const ranges = (await asked.admin.cluster('SLOTS')) as unknown as [number, number, [string, number]][];
    const port = ranges.find(([from, to]) => from <= slot && slot <= to)?.[2][1];
    return this.nodes.find((node) => node.port === port) ?? null;
  }

  /** The primaries now, as this node tells. */
  async primaries(asked: ServerProcess): Promise<ServerProcess[]> {
    const ranges = (await asked.admin.cluster('SLOTS')) as unknown as [number, number, [string, number]][];
    const ports = new Set(ranges.map(([, , [, port]]) => port));
    return this.nodes.filter(({ port }) => ports.has(port));
  }

  /** Moves slots from one primary to another, key by key, as an operator's tools do. */
  async moveSlots([from, to]: Slots, source: ServerProcess, target: ServerProcess, keysAtOnce = 1): Promise<void> {
    for (let slot = from; slot <= to; slot++) {
      await this.beginMove(slot, source, target);
      await this.moveKeys(slot, source, target, keysAtOnce);
      await this.endMove(slot, source, target);
    }
  }

  async beginMove(slot: number, source: ServerProcess, target: ServerProcess): Promise<void> {
    const [sourceId, targetId] = await Promise.all([source, target].map(({ admin }) => admin.cluster('MYID')));
    await target.admin.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', sourceId as string);
    await source.admin.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', targetId as string);
  }

  /** @param most of its keys; all that there are by default. */
  async moveKeys(
    slot: number,
    source: ServerProcess,
    target: ServerProcess,
    keysAtOnce = 1,
    most = Number.POSITIVE_INFINITY,
  ): Promise<number> {
    let moved = 0;
    while (moved < most) {
      const keys = (await source.admin.call(
        'CLUSTER',
        'GETKEYSINSLOT',
        slot,
        Math.min(keysAtOnce, most - moved),
      )) as string[];
      if (keys.length === 0) break;
      await source.admin.call('MIGRATE', '127.0.0.1', target.port, '', 0, 5_000, 'KEYS', ...keys);
      moved += keys.length;
    }
    return moved;
  }

  async endMove(slot: number, source: ServerProcess, target: ServerProcess): Promise<void> {
    const targetId = await target.admin.cluster('MYID');
    for (const { admin } of [target, source]) await admin.call('CLUSTER', 'SETSLOT', slot, 'NODE', targetId);
  }

  async destroy(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.destroy()));
  }
}
