import { Random } from '../../src/simulate/index.ts';
import { PlainPatterns } from '../contenders/plain-patterns.ts';
import { drawPayment } from '../simulate/payments.ts';
import { type Subject, subjects } from '../subject.ts';
import { announce, connectValkey, settings } from './peer.ts';

/** How the client goes about it, and for how long. */
export interface PlainOrder {
  /** Events whose commands go out together; their copies follow in a second pipeline. */
  readonly eventsAPipeline: number;
  /** How many such pipelines are under way at a time. */
  readonly atATime: number;
  readonly seconds: number;
  readonly seed: number;
}

export interface PlainRun {
  /** Recorded while it was measured, and in all. */
  readonly events: number;
  readonly allEvents: number;
  readonly seconds: number;
  /** Of a pipeline and the one with its copies. */
  readonly tookMs: readonly number[];
}

const rampMs = 100;
const differentPayments = 100_000;

/** The plain patterns without a server in between: whoever has events sends their commands to Valkey itself. */
const user = subjects.find(({ name }) => name === 'user') as Subject;
const patterns = new PlainPatterns(connectValkey(), settings.keyPrefix, user);
let payments: ReturnType<typeof drawPayment>[] = [];
let number = 0;

process.on('message', (message: PlainOrder | string) => {
  if (typeof message === 'object') void run(message).then((done) => process.send?.(done));
});

async function run({ eventsAPipeline, atATime, seconds, seed }: PlainOrder): Promise<PlainRun> {
  if (payments.length === 0) {
    const random = new Random(seed);
    payments = Array.from({ length: differentPayments }, () => drawPayment(random));
  }
  const fromMs = performance.now() + rampMs;
  const toMs = fromMs + 1_000 * seconds;
  const tookMs: number[] = [];
  let allEvents = 0;
  const goOn = async () => {
    for (let begun = performance.now(); begun < toMs; ) {
      await patterns.record(take(eventsAPipeline));
      allEvents += eventsAPipeline;
      const now = performance.now();
      if (now >= fromMs && now < toMs) tookMs.push(now - begun);
      begun = now;
    }
  };
  await Promise.all(Array.from({ length: atATime }, goOn));
  return { events: tookMs.length * eventsAPipeline, allEvents, seconds: (toMs - fromMs) / 1_000, tookMs };
}

function take(count: number) {
  const occurredAt = Date.now();
  return Array.from({ length: count }, () => {
    number += 1;
    return {
      ...(payments[number % payments.length] as (typeof payments)[number]),
      transactionId: `tx-${number}`,
      occurredAt,
    };
  });
}

announce(0);
