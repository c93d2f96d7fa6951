import { setTimeout as sleep } from 'node:timers/promises';
import type { Milliseconds } from '../../define/index.ts';
import type { Random } from '../random.ts';
import { type Endpoint, EndpointError } from './endpoint.ts';
import { type LateLabels, label } from './late-labels.ts';

/** Brings the labels that come late, one now and then. */
export class Labelling {
  /** How many frauds have been labelled. */
  labelled = 0;
  /** How many the API would not label: it answered anything but `LABELLED`. */
  refused = 0;
  readonly #endpoint: Endpoint;
  readonly #labels: LateLabels;
  readonly #random: Random;

  constructor(endpoint: Endpoint, labels: LateLabels, random: Random) {
    this.#endpoint = endpoint;
    this.#labels = labels;
    this.#random = random;
  }

  /**
   * Labels until the signal ends it; between two labels goes by such a time in the mean (exponential).
   * @throws EndpointError that does not pass; after one that does, the label comes another time.
   */
  async run(meanWaitMs: Milliseconds, signal: AbortSignal): Promise<void> {
    for (;;) {
      await sleep(this.#random.exponential(meanWaitMs), undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      const transaction = this.#labels.take(Date.now());
      if (transaction === null) continue;
      try {
        if ((await label(this.#endpoint, transaction, signal)) === 'LABELLED') this.labelled++;
        else this.refused++;
      } catch (error) {
        this.#labels.putBack(transaction);
        if (!(error instanceof EndpointError && error.isPassing)) throw error;
      }
    }
  }
}
