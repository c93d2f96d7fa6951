/** How long what a process has taken ahead may be used. */
export const leaseMs = 1_000;
/** What a client may use at once, if it has used nothing before, in seconds' worth of its rate. */
export const burstSeconds = 3;

/** How much a client may use, in tokens. */
export interface Rate {
  readonly perSecond: number;
  /** How many microseconds a token takes to come. */
  readonly intervalMicros: number;
  /**
   * What the store's bucket holds. What is taken out of it in a stretch of time may be used up to the life of a lease later, so a stretch
   * sees what was taken in it and that long before: the bucket is smaller than the burst by what comes meanwhile.
   */
  readonly held: number;
}

export function rateOf(perSecond: number): Rate {
  return { perSecond, intervalMicros: 1e6 / perSecond, held: perSecond * (burstSeconds - leaseMs / 1_000) };
}
