import { at, openAll } from './closed-loop.ts';
import type { Connection } from './connection.ts';
import type { Target } from './target.ts';

export interface OpenLoopOptions {
  readonly perSecond: number;
  /** How long is measured, after the ramp. */
  readonly seconds: number;
  /** How many requests may be under way; what is due beyond that waits, and its clock runs. */
  readonly connections: number;
}

export interface OpenLoopRun {
  readonly requests: number;
  /** Milliseconds from when a request was due, sent or not, to its answer. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  /** By how much sending came after it was due: what of these is this process's own. */
  readonly lateP99Ms: number;
  /** Processor time of this process in all, in microseconds; it looks at the clock without a pause. */
  readonly cpuUs: number;
}

const rampMs = 500;

/**
 * Sends at even distances whether or not what was sent before has been answered. Latency counts from when a request was due:
 * a server that stalls is charged with all that should have come meanwhile.
 */
export async function openLoop(target: Target, options: OpenLoopOptions): Promise<OpenLoopRun> {
  const { perSecond, seconds } = options;
  const free = await openAll(target.port, options.connections);
  const opened = [...free];
  const cpuBefore = process.cpuUsage();
  const spacingMs = 1_000 / perSecond;
  const begunMs = performance.now();
  const ramp = Math.floor(rampMs / spacingMs);
  const all = ramp + Math.floor((1_000 * seconds) / spacingMs);
  const took = new Float64Array(all);
  const late = new Float64Array(all);
  await new Promise<void>((resolve, reject) => {
    let due = 0;
    let answered = 0;
    /** Due, and waiting for a connection. */
    const waiting: number[] = [];
    let firstWaiting = 0;
    const send = (connection: Connection, number: number) => {
      const index = target.next();
      const dueMs = begunMs + number * spacingMs;
      late[number] = performance.now() - dueMs;
      connection.onReply = (status, body) => {
        took[number] = performance.now() - dueMs;
        target.check(index, status, body);
        answered += 1;
        if (answered === all) resolve();
        const next = waiting[firstWaiting];
        if (next === undefined) return void free.push(connection);
        firstWaiting += 1;
        return send(connection, next);
      };
      connection.send(target.bytes(index));
    };
    for (const connection of opened) connection.onBroken = reject;
    const tick = () => {
      for (const now = performance.now(); due < all && begunMs + due * spacingMs <= now; due++) {
        const connection = free.pop();
        if (connection) send(connection, due);
        else waiting.push(due);
      }
      // A timer would be late by up to a millisecond, which is more than what is measured.
      if (due < all) setImmediate(tick);
    };
    tick();
  });
  const cpu = process.cpuUsage(cpuBefore);
  for (const connection of opened) connection.close();
  const sorted = [...took.subarray(ramp)].sort((a, b) => a - b);
  return {
    requests: sorted.length,
    p50Ms: at(sorted, 0.5),
    p99Ms: at(sorted, 0.99),
    p999Ms: at(sorted, 0.999),
    lateP99Ms: at(
      [...late.subarray(ramp)].sort((a, b) => a - b),
      0.99,
    ),
    cpuUs: cpu.user + cpu.system,
  };
}
