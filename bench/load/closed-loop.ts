import { Connection } from './connection.ts';
import type { Target } from './target.ts';

export interface ClosedLoopOptions {
  readonly connections: number;
  /** How long is measured, after the ramp. */
  readonly seconds: number;
}

export interface ClosedLoopRun {
  /** Answered while it was measured, and how long that was. */
  readonly requests: number;
  readonly seconds: number;
  /** Answered in all, with the ramp and what was under way at the end. */
  readonly allRequests: number;
  /** Milliseconds from sent to answered, of those that were measured. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Processor time of this process in all, in microseconds. */
  readonly cpuUs: number;
}

const rampMs = 100;

/** Each connection sends the next request as soon as it has been answered; every answer is checked. */
export async function closedLoop(target: Target, { connections, seconds }: ClosedLoopOptions): Promise<ClosedLoopRun> {
  const opened = await openAll(target.port, connections);
  const cpuBefore = process.cpuUsage();
  const fromMs = performance.now() + rampMs;
  const toMs = fromMs + 1_000 * seconds;
  const took: number[] = [];
  let all = 0;
  let lastMs = fromMs;
  await Promise.all(
    opened.map(
      (connection) =>
        new Promise<void>((resolve, reject) => {
          let index = 0;
          let sentMs = 0;
          const send = (now: number) => {
            index = target.next();
            sentMs = now;
            connection.send(target.bytes(index));
          };
          connection.onBroken = reject;
          connection.onReply = (status, body) => {
            target.check(index, status, body);
            all += 1;
            const now = performance.now();
            if (now >= fromMs && now < toMs) {
              took.push(now - sentMs);
              lastMs = now;
            }
            if (now < toMs) send(now);
            else resolve();
          };
          send(performance.now());
        }),
    ),
  );
  const cpu = process.cpuUsage(cpuBefore);
  for (const connection of opened) connection.close();
  took.sort((a, b) => a - b);
  return {
    requests: took.length,
    // Where few requests take long, the end falls among them.
    seconds: (took.length < 100 ? lastMs - fromMs : toMs - fromMs) / 1_000,
    allRequests: all,
    p50Ms: at(took, 0.5),
    p99Ms: at(took, 0.99),
    cpuUs: cpu.user + cpu.system,
  };
}

/** Sends each request once, and takes what is answered as what must be answered from now on. */
export async function learn(target: Target, connections: number, requests: number): Promise<Buffer[]> {
  const opened = await openAll(target.port, connections);
  const bodies: Buffer[] = [];
  let left = requests;
  await Promise.all(
    opened.map(
      (connection) =>
        new Promise<void>((resolve, reject) => {
          let index = 0;
          const send = () => {
            if (left === 0) return resolve();
            left -= 1;
            index = target.next();
            connection.send(target.bytes(index));
          };
          connection.onBroken = reject;
          connection.onReply = (status, body) => {
            target.learn(index, status, body);
            bodies[index] = Buffer.from(body);
            send();
          };
          send();
        }),
    ),
  );
  for (const connection of opened) connection.close();
  return bodies;
}

export function openAll(port: number, connections: number): Promise<Connection[]> {
  return Promise.all(Array.from({ length: connections }, () => Connection.open(port)));
}

export function at(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}
