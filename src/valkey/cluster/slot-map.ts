import { describeEndpoint, type Endpoint } from '../address.ts';

export const slotCount = 16_384;

/** Which primary has which slots, as one node tells. */
export interface SlotMap {
  /** By each slot the name of its primary (see `describeEndpoint`); null: nobody has it. */
  readonly owners: readonly (string | null)[];
  readonly primaries: ReadonlyMap<string, Endpoint>;
  /** Grows with each failover: of two that differ, the greater is the newer. */
  readonly epoch: number;
}

/**
 * Reads the answers to CLUSTER INFO and CLUSTER SLOTS of one node.
 * @param asked where it was asked: nodes that do not know their own host leave it out.
 * @throws Error if the node is in no working cluster, or its answers are of another form.
 */
export function readSlotMap(info: string, ranges: unknown, asked: Endpoint): SlotMap {
  const fact = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1];
  if (fact('cluster_state') !== 'ok') throw new Error('CLUSTERDOWN this node finds the cluster down');
  const owners = new Array<string | null>(slotCount).fill(null);
  const primaries = new Map<string, Endpoint>();
  for (const [from, to, [host, port]] of ranges as readonly [number, number, [string | null, number]][]) {
    const primary = { host: host === null || host === '' || host === '?' ? asked.host : host, port };
    const name = describeEndpoint(primary);
    primaries.set(name, primary);
    owners.fill(name, from, to + 1);
  }
  return { owners, primaries, epoch: Number(fact('cluster_current_epoch') ?? 0) };
}
