import { Endpoint, type EndpointError, type SenderOptions } from '../../simulate/index.ts';
import type { Display } from './display.ts';
import { onKeys } from './keys.ts';
import { type DemoOptions, fastestRate, slowestRate } from './options.ts';
import { Status, totals } from './status.ts';
import { drawScene, prepareTraffic, recordHistory, worthPinning } from './traffic.ts';

export interface RunOptions {
  /** Of the API's GraphQL. */
  readonly url: string;
  /** Of whoever asks for one; default: nothing is shown. */
  readonly key?: string | null;
  readonly options: DemoOptions;
  readonly display: Display;
  /** Ends the run in good order. */
  readonly signal: AbortSignal;
  /** Settles when the API has ended; never, if that is not for us to know. */
  readonly ended: Promise<Error>;
}

/** How long what is under way at the end may take. */
const lastAnswersMs = 2_000; // 2 seconds
const meanLabelWaitMs = 3_000; // 3 seconds
const statusEveryMs = { terminal: 1_000, elsewhere: 5_000 };

/**
 * Records the history, then sends live payments until the signal, the time, or a `q` ends it.
 * @throws what `ended` settles with; EndpointError if the API does not answer at first, or with an error that does not pass.
 */
export async function runDemo({ url, key = null, options, display, signal, ended }: RunOptions): Promise<void> {
  const stop = new AbortController();
  const stopped = AbortSignal.any([signal, stop.signal]);
  const giveUp = new AbortController();
  stopped.addEventListener('abort', () => setTimeout(() => giveUp.abort(), lastAnswersMs).unref(), { once: true });
  let failure: unknown = null;
  const fail = (error: unknown) => {
    failure ??= error;
    stop.abort();
  };
  void ended.then((error) => {
    // Of an API that ends because we do, nobody needs to hear.
    if (!stopped.aborted) fail(error);
    giveUp.abort();
  });
  try {
    await act(new Endpoint(url, key), options, display, stopped, () => stop.abort(), {
      signal: giveUp.signal,
      onTrouble: onceInAWhile((reason) => display.say(`Sending again what was not taken: ${reason}`)),
    });
  } catch (error) {
    fail(error);
  }
  if (failure !== null) throw failure;
}

async function act(
  endpoint: Endpoint,
  options: DemoOptions,
  display: Display,
  signal: AbortSignal,
  stop: () => void,
  sending: SenderOptions,
): Promise<void> {
  await assertAnswers(endpoint, signal);
  const scene = drawScene(options);
  if (options.historyMs > 0) await recordHistory(endpoint, options, scene, display, sending, signal);
  if (signal.aborted) return;

  const traffic = prepareTraffic(endpoint, options, scene, sending, signal);
  const worth = worthPinning(scene, traffic.stream);
  // The dashboard keeps what is pinned in its address.
  const pins = worth.map(({ entity, id }) => `${entity}/${id}`).join('&');
  display.say(`Watch at ${new URL(`/#${pins}`, endpoint.url).href}`);
  display.say('Pinned there:');
  for (const { id, why } of worth) display.say(`  ${id}  ${why}`);

  let { rate } = options;
  const changeRate = (factor: number) => () => {
    rate = Math.min(fastestRate, Math.max(slowestRate, rate * factor));
    traffic.stream.setRate(rate);
  };
  const leaveKeys = onKeys(process.stdin, { '+': changeRate(2), '-': changeRate(1 / 2), q: stop });
  if (process.stdin.isTTY) display.say('Keys: + twice as many events, - half as many, q ends');
  const status = new Status(traffic);
  let told = false;
  const show = () => {
    const { lastRejection } = traffic.sender;
    if (lastRejection !== null && !told) display.say(`The API rejects events: ${lastRejection}`);
    told ||= lastRejection !== null;
    display.show(status.line(rate));
  };
  const showing = setInterval(show, display.isTerminal ? statusEveryMs.terminal : statusEveryMs.elsewhere);
  const over = options.seconds === null ? undefined : setTimeout(stop, 1_000 * options.seconds);
  try {
    const ending = <T>(work: Promise<T>) => work.finally(stop);
    const all = [ending(traffic.live.run()), ending(traffic.labelling.run(meanLabelWaitMs, signal))];
    await Promise.allSettled(all);
    await Promise.all(all);
    await traffic.sender.settled();
  } finally {
    clearTimeout(over);
    clearInterval(showing);
    leaveKeys();
    display.end();
    display.say(`Sent ${traffic.live.sent} events: ${totals(traffic)}`);
  }
  // What is simulated is as the API wants it, so that something is wrong: most likely a clock.
  const { lastRejection } = traffic.sender;
  if (lastRejection !== null) throw new Error(`The API rejected events: ${lastRejection}`);
}

/** Looked at before anything is drawn: a wrong address is no trouble that passes. */
async function assertAnswers(endpoint: Endpoint, signal: AbortSignal): Promise<void> {
  try {
    await endpoint.ask('{ __typename }', {}, signal);
  } catch (error) {
    const { message, status } = error as EndpointError;
    const advice = status === 401 ? 'DEMO_KEY is for a key that it knows' : 'Is an API there? npm start starts one';
    throw new Error(`${message}. ${advice}.`, { cause: error });
  }
}

/** The same trouble comes many times: passes it on at most once in five seconds. */
function onceInAWhile(tell: (reason: string) => void): (reason: string) => void {
  let toldAt = Number.NEGATIVE_INFINITY;
  return (reason) => {
    if (performance.now() - toldAt < 5_000) return;
    toldAt = performance.now();
    tell(reason);
  };
}
