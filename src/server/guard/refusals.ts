/** How often each was refused since the start, in this process; and what was done instead. */
export interface Refusals {
  /** There were too many connections in all. */
  connections: number;
  /** A client had too many connections. */
  clientConnections: number;
  /** A client had too many subscriptions. */
  subscriptions: number;
}

export function noRefusals(): Refusals {
  return { connections: 0, clientConnections: 0, subscriptions: 0 };
}
