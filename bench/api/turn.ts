import type { Redis } from 'iovalkey';
import { median } from '../report/statistics.ts';
import type { ContenderProcess } from './contender-process.ts';

/** One turn of one contender under load. Processor time is in microseconds a unit: a request or an event. */
export interface Turn {
  readonly perSecond: number;
  /** From sent to answered. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly serverUs: number;
  readonly valkeyUs: number;
  /** Of whoever sends the load. */
  readonly loadUs: number;
}

/** What one contender came to in the rounds of one comparison. */
export interface Measured {
  readonly contender: string;
  /** What it was tuned to, for people. */
  readonly settings: string;
  /** One a round. */
  readonly turns: readonly Turn[];
}

/** Processor time that Valkey has used since it started, in microseconds. */
export async function valkeyCpuUs(valkey: Redis): Promise<number> {
  const text = await valkey.info('cpu');
  const seconds = (name: string) => Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(text)?.[1]);
  return 1e6 * (seconds('used_cpu_sys') + seconds('used_cpu_user'));
}

/** What was sent under load, with what was not measured of it: processor time is of all. */
export interface Loaded {
  readonly units: number;
  readonly seconds: number;
  readonly allUnits: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of the process that sends it; null: the contender does that itself. */
  readonly cpuUs: number | null;
}

/** Has a contender under load, and looks at what it used. */
export async function takeTurn(valkey: Redis, process: ContenderProcess, run: () => Promise<Loaded>): Promise<Turn> {
  const before = [await valkeyCpuUs(valkey), (await process.usage()).cpuUs] as const;
  const { units, seconds, allUnits, p50Ms, p99Ms, cpuUs } = await run();
  const serverUs = (await process.usage()).cpuUs - before[1];
  const valkeyUs = (await valkeyCpuUs(valkey)) - before[0];
  return {
    perSecond: units / seconds,
    p50Ms,
    p99Ms,
    serverUs: serverUs / allUnits,
    valkeyUs: valkeyUs / allUnits,
    loadUs: (cpuUs ?? 0) / allUnits,
  };
}

/** Lets each have a turn a round, now this one first and now that: what else the machine does meets all alike. */
export async function interleave<T>(
  contenders: readonly T[],
  rounds: number,
  turn: (contender: T) => Promise<Turn>,
): Promise<Map<T, Turn[]>> {
  const turns = new Map<T, Turn[]>(contenders.map((contender) => [contender, []]));
  for (let round = 0; round < rounds; round++) {
    const first = round % contenders.length;
    for (const contender of [...contenders.slice(first), ...contenders.slice(0, first)]) {
      turns.get(contender)?.push(await turn(contender));
    }
  }
  return turns;
}

/** Tries each, a few times in turn, and returns the fastest. One that has no other beside it is tried too, so that all are warm. */
export async function fastest<T>(candidates: readonly T[], turn: (candidate: T) => Promise<Turn>): Promise<T> {
  const turns = await interleave(candidates, trials, turn);
  const speed = (candidate: T) => medianOf(turns.get(candidate) ?? [], 'perSecond');
  return candidates.reduce((best, one) => (speed(one) > speed(best) ? one : best));
}

const trials = 3;

export function medianOf(turns: readonly Turn[], of: keyof Turn): number {
  return median(turns.map((turn) => turn[of]));
}

/** How many times as fast one is as another: the median over rounds, in each of which both had a turn. */
export function ratio(one: Measured, other: Measured): number {
  return median(one.turns.map(({ perSecond }, round) => perSecond / (other.turns[round]?.perSecond ?? Number.NaN)));
}
