import type { Labelling, Live, Sender } from '../../simulate/index.ts';

/** What the status line tells of. */
export interface Traffic {
  readonly live: Live;
  readonly sender: Sender;
  readonly labelling: Labelling;
}

/** Tells of the traffic since it was asked last, and of all of it. */
export class Status {
  readonly #traffic: Traffic;
  #at = performance.now();
  #sent = 0;

  constructor(traffic: Traffic) {
    this.#traffic = traffic;
  }

  /** Such as `20.4 events/s sent of 20 | 1,234 recorded, 0 duplicates, 0 rejected, 0 unavailable | 3 labelled | 0 s behind`. */
  line(rate: number): string {
    const { live } = this.#traffic;
    const now = performance.now();
    const perSecond = ((live.sent - this.#sent) * 1_000) / (now - this.#at);
    this.#at = now;
    this.#sent = live.sent;
    return `${perSecond.toFixed(1)} events/s sent of ${rate} | ${totals(this.#traffic)} | ${behind(live)}`;
  }
}

/** What became of all events so far. */
export function totals({ live, sender, labelling }: Traffic): string {
  const { recorded, duplicates, tooLate, rejected, unavailable } = sender.tally;
  const fates = [
    `${count(recorded)} recorded`,
    `${count(duplicates)} duplicates`,
    ...(tooLate > 0 ? [`${count(tooLate)} too late`] : []),
    `${count(rejected)} rejected`,
    `${count(unavailable)} unavailable`,
    ...(live.skipped > 0 ? [`${count(live.skipped)} left out`] : []),
  ];
  const refused = labelling.refused > 0 ? `, ${count(labelling.refused)} not` : '';
  return `${fates.join(', ')} | ${count(labelling.labelled)} labelled${refused}`;
}

function behind({ behindMs }: Live): string {
  return behindMs === 0 ? '0 s behind' : `${(behindMs / 1_000).toFixed(1)} s behind`;
}

export function count(n: number): string {
  return n.toLocaleString('en-US');
}
