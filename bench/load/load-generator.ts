import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ClosedLoopOptions, ClosedLoopRun } from './closed-loop.ts';
import type { OpenLoopOptions, OpenLoopRun } from './open-loop.ts';
import type { Answered, Answers, Order } from './orders.ts';
import type { LoadRequest } from './request.ts';

const program = fileURLToPath(new URL('generator.ts', import.meta.url));

/** A server was not asked in vain, but what it answered was wrong: nothing that was measured of it counts. */
export class WrongAnswerError extends Error {
  override readonly name = 'WrongAnswerError';
}

/** Sends requests from a process of its own, so that what it computes is neither the servers' nor the bench's. */
export class LoadGenerator {
  readonly #child: ChildProcess;
  readonly #ended: Promise<never>;

  constructor() {
    this.#child = fork(program, { serialization: 'advanced', execArgv: [] });
    this.#ended = once(this.#child, 'exit').then(() => Promise.reject(new Error('the load generator ended')));
    this.#ended.catch(() => {});
  }

  /** Makes a server known by a name, with what it is to be asked, again and again in this order. */
  async target(name: string, port: number, requests: readonly LoadRequest[]): Promise<LoadTarget> {
    await this.carryOut({ kind: 'target', name, port, requests });
    return new LoadTarget(this, name, requests.length);
  }

  /** @throws Error if it could not be done, WrongAnswerError if any answer was wrong. */
  async carryOut<O extends Order>(order: O): Promise<{ answer: Answers[O['kind']]; events: number }> {
    const answered = once(this.#child, 'message') as Promise<[Answered<O['kind']>]>;
    this.#child.send(order);
    const [result] = await Promise.race([answered, this.#ended]);
    if ('failure' in result) throw new Error(`${order.name}: ${result.failure}`);
    const { answer, wrongCount, wrong, events } = result;
    if (wrongCount > 0) {
      const shown = wrong.map(({ index, status, body }) => `  request ${index}: ${status} ${body}`).join('\n');
      throw new WrongAnswerError(`${order.name} gave ${wrongCount} wrong answers, such as\n${shown}`);
    }
    return { answer, events };
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.disconnect();
    await ended;
  }
}

/** A server under load. */
export class LoadTarget {
  readonly name: string;
  readonly #generator: LoadGenerator;
  readonly #size: number;
  #events = 0;

  constructor(generator: LoadGenerator, name: string, size: number) {
    this.name = name;
    this.#generator = generator;
    this.#size = size;
  }

  /** How many events it was sent, ever; all of them were answered. */
  get events(): number {
    return this.#events;
  }

  /**
   * Sends each request once, or so many of them, and has what was answered count as what must be answered, byte for byte,
   * from now on: the caller looks at whether it is right.
   */
  learn(connections: number, requests = this.#size): Promise<readonly Buffer[]> {
    return this.#do({ kind: 'learn', name: this.name, connections, requests });
  }

  closedLoop(options: ClosedLoopOptions): Promise<ClosedLoopRun> {
    return this.#do({ kind: 'closed', name: this.name, ...options });
  }

  openLoop(options: OpenLoopOptions): Promise<OpenLoopRun> {
    return this.#do({ kind: 'open', name: this.name, ...options });
  }

  async #do<O extends Order>(order: O): Promise<Answers[O['kind']]> {
    const { answer, events } = await this.#generator.carryOut(order);
    this.#events = events;
    return answer;
  }
}
