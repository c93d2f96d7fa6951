/** How often each was refused since the start, in this process; and what was done instead. */
export interface Refusals {
  /** There were too many connections in all. */
  connections: number;
  /** A client had too many connections. */
  clientConnections: number;
  /** A client had too many subscriptions. */
  subscriptions: number;
  /** A client had reserved too many event streams, and opened none of them. */
  streams: number;
  /** A message on a WebSocket was too long, had too many values, or too long an id. */
  messages: number;
  /** A client sent too many requests a second. */
  requests: number;
  /** A client's operations cost too much a second. */
  cost: number;
  /** Requests that are under way were too large together, those of a client or of all. */
  room: number;
  /** Not refused, or not for certain: what was counted by this process alone, since the store could not be asked. */
  limitedLocally: number;
}

export function noRefusals(): Refusals {
  return {
    connections: 0,
    clientConnections: 0,
    subscriptions: 0,
    streams: 0,
    messages: 0,
    requests: 0,
    cost: 0,
    room: 0,
    limitedLocally: 0,
  };
}
