import { randomBytes } from 'node:crypto';
import { formatDuration } from '../../define/index.ts';
import {
  drawPopulation,
  type Endpoint,
  Labelling,
  LateLabels,
  Live,
  type Population,
  Random,
  Sender,
  type SenderOptions,
  sendPast,
  TransactionStream,
} from '../../simulate/index.ts';
import type { Display } from './display.ts';
import type { DemoOptions } from './options.ts';
import { count, type Traffic } from './status.ts';

/**
 * More of it than in the book, that so few terminals and customers show it: some five compromised terminals and three leaked cards
 * at a time.
 */
const fraud = { compromisedTerminals: 0.001, leakedCards: 0.002 };
/** Farther than in the book, where there are fifty times as many terminals: some ten are within reach. */
const radius = 12;
const morning = 0.25; // of the day: as busy as in its mean, and getting busier

/** Everything of a demo that does not depend on the API. */
export interface Scene {
  readonly population: Population;
  readonly labels: LateLabels;
  /** Unlike any other run's: transaction ids begin with it, so that none is taken for an earlier run's. */
  readonly run: string;
}

export function drawScene({ seed, customers, terminals }: DemoOptions): Scene {
  return {
    population: drawPopulation({ seed, customers, terminals, radius }),
    labels: new LateLabels(new Random(seed)),
    run: `${Date.now().toString(36)}${randomBytes(2).toString('hex')}`,
  };
}

/**
 * Records the history, and says how long that took.
 * @throws EndpointError that does not pass.
 */
export async function recordHistory(
  endpoint: Endpoint,
  { historyMs, seed }: DemoOptions,
  { population, labels, run }: Scene,
  display: Display,
  sending: SenderOptions,
  signal: AbortSignal,
): Promise<void> {
  const { customers, terminals } = population;
  const of = `${formatDuration(historyMs)} of history of ${count(customers.length)} customers and ${count(terminals.length)} terminals`;
  display.say(`Recording ${of}`);
  const begun = performance.now();
  const now = Date.now();
  const stream = new TransactionStream(population, {
    seed,
    fromMs: now - historyMs,
    ratePerSecond: null,
    beginsAt: morning,
    fraud,
    idPrefix: `txn_${run}_past`,
  });
  // One batch at a time: a month takes seconds, so that two at once would come in days out of order.
  const sender = new Sender(endpoint, { ...sending, mostUnderWay: 1 });
  const showing = setInterval(() => {
    if (display.isTerminal) display.show(`${count(sender.tally.recorded)} payments so far`);
  }, 1_000);
  try {
    await sendPast(stream, now, labels, sender, signal);
  } finally {
    clearInterval(showing);
    display.clear();
  }
  const { recorded, tooLate, rejected, unavailable } = sender.tally;
  const lost = tooLate + rejected + unavailable;
  const seconds = (performance.now() - begun) / 1_000;
  display.say(
    `Recorded ${count(recorded)} payments in ${seconds.toFixed(1)} s; ${count(labels.held)} frauds among them are not known yet` +
      (lost > 0 ? `. Not recorded: ${tooLate} too late, ${rejected} rejected, ${unavailable} unavailable` : ''),
  );
}

/** Live payments from now on, and late labels. */
export function prepareTraffic(
  endpoint: Endpoint,
  { seed, rate, dayMs }: DemoOptions,
  { population, labels, run }: Scene,
  sending: SenderOptions,
  signal: AbortSignal,
): Traffic & { readonly stream: TransactionStream } {
  const stream = new TransactionStream(population, {
    seed: (seed + 1) % 2 ** 32, // another than the history's
    fromMs: Date.now(),
    ratePerSecond: rate,
    dayMs,
    beginsAt: morning,
    fraud,
    idPrefix: `txn_${run}`,
  });
  const sender = new Sender(endpoint, sending);
  return {
    stream,
    sender,
    live: new Live(stream, sender, { signal }),
    labelling: new Labelling(endpoint, labels, new Random(seed)),
  };
}

/** Ids worth watching, each with why. */
export function worthPinning({ population, labels }: Scene, stream: TransactionStream): string[] {
  const [busy, next] = [...population.customers].sort((a, b) => b.paymentsPerDay - a.paymentsPerDay);
  const [labelled] = labels.merchants(Date.now());
  return [
    ...(busy ? [`${busy.id}  pays most often`] : []),
    ...(next ? [`${next.id}  pays second most often`] : []),
    ...stream.fraud.leaked
      .slice(0, 1)
      .map(({ id }) => `${id}  has lost the card: some amounts are five times as large`),
    ...stream.fraud.compromised.slice(0, 1).map(({ id }) => `${id}  is compromised`),
    ...(labelled === undefined ? [] : [`${labelled}  has had frauds that will be known soon: see its fraud rates`]),
  ];
}
