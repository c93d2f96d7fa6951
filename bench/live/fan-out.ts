import { setTimeout as sleep } from 'node:timers/promises';
import type { Deadline } from '../deadline.ts';
import { quantile } from '../report/statistics.ts';
import type { Crowd } from './crowd.ts';

/** Milliseconds from when an event is sent, of all messages of all events. */
export interface FanOut {
  /** Until it is acknowledged; one an event. */
  readonly acknowledgedMs: number[];
  /** Until a receiver has it. */
  readonly receivedMs: number[];
  /** Until a receiver has it, but from when it was acknowledged; less than 0: before that. */
  readonly pushedMs: number[];
  /** Until the last receiver has it; one an event. */
  readonly completeMs: number[];
}

export const emptyFanOut = (): FanOut => ({ acknowledgedMs: [], receivedMs: [], pushedMs: [], completeMs: [] });

/** Longer than the pace that subscriptions keep: an event never waits for the one before it. */
const restMs = 60;

/**
 * Sends one event and waits until all have heard of it.
 * @throws OutOfTimeError
 */
export async function fanOut(crowd: Crowd, into: FanOut, deadline: Deadline): Promise<void> {
  deadline.check();
  await sleep(restMs);
  const received: number[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  crowd.onMessage = () => {
    received.push(performance.now());
    if (received.length === crowd.size) resolve();
  };
  const sentAt = performance.now();
  const sending = crowd.send().then(() => performance.now());
  const watchdog = setInterval(() => deadline.passed && resolve(), 100);
  const [acknowledgedAt] = await Promise.all([sending, promise]);
  clearInterval(watchdog);
  crowd.onMessage = () => {};
  if (received.length < crowd.size) deadline.check();
  into.acknowledgedMs.push(acknowledgedAt - sentAt);
  into.completeMs.push((received.at(-1) as number) - sentAt);
  for (const at of received) {
    into.receivedMs.push(at - sentAt);
    into.pushedMs.push(at - acknowledgedAt);
  }
}

export const p50 = (values: readonly number[]) => quantile(values, 0.5);
export const p99 = (values: readonly number[]) => quantile(values, 0.99);
