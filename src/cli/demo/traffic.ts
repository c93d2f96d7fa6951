import { randomBytes } from 'node:crypto';
import { formatDuration } from '../../define/index.ts';
import {
  type Customer,
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
  type Terminal,
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

/** Somebody worth watching, and why. */
export interface Worth {
  readonly entity: 'User' | 'Merchant';
  readonly id: string;
  readonly why: string;
}

/** Of all that a reason holds for, where most happens. */
export function worthPinning({ population, labels }: Scene, stream: TransactionStream): Worth[] {
  const byPayments = (customers: readonly Customer[]) =>
    [...customers].sort((a, b) => b.paymentsPerDay - a.paymentsPerDay);
  const [busy] = byPayments(population.customers);
  const [leaked] = byPayments(stream.fraud.leaked);
  const income = incomePerDay(population);
  const [compromised] = [...stream.fraud.compromised].sort((a, b) => (income.get(b) ?? 0) - (income.get(a) ?? 0));
  const [labelled] = labels.merchants(Date.now());
  const reasons: [Worth['entity'], string | undefined, string][] = [
    ['User', busy?.id, 'pays most often'],
    ['User', leaked?.id, 'has lost the card: some amounts are five times as large'],
    ['Merchant', compromised?.id, 'is compromised: every payment there is fraud, of which nobody knows yet'],
    ['Merchant', labelled, 'has had frauds that will be known soon: see its fraud rates'],
  ];
  return reasons.flatMap(([entity, id, why]) => (id === undefined ? [] : [{ entity, id, why }]));
}

/** How many payments a day the terminals may expect; those that nobody reaches are not listed. */
function incomePerDay({ customers }: Population): Map<Terminal, number> {
  const income = new Map<Terminal, number>();
  for (const { terminals, paymentsPerDay } of customers) {
    for (const terminal of terminals) {
      income.set(terminal, (income.get(terminal) ?? 0) + paymentsPerDay / terminals.length);
    }
  }
  return income;
}
