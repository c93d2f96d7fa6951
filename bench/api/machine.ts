import { availableParallelism, cpus, totalmem } from 'node:os';

/** What it was measured on. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly node: string;
  readonly valkey: string;
  readonly at: string;
}

/** @param valkey such as `an embedded Valkey 8.0.1`. */
export function thisMachine(valkey: string): Machine {
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    valkey,
    at: new Date().toISOString(),
  };
}

export function machineText({ processor, cores, memoryGiB, node, valkey, at }: Machine): string {
  return `${cores} cores of ${processor}, ${memoryGiB} GiB; Node ${node}, ${valkey}; ${at}`;
}
