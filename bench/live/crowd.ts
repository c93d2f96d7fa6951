/** Receivers of one thing, and how to have it sent to all of them. */
export interface Crowd {
  /** How many messages one event comes to. */
  readonly size: number;
  /** Has something happen of which all are told; resolves once that is acknowledged. */
  send(): Promise<void>;
  /** Called for each message that comes of it. */
  onMessage: () => void;
  close(): void;
}

/** Receivers are spread over this many sockets at most. */
export const mostSockets = 100;

/** How many receivers each socket has. */
export function spread(receivers: number): number[] {
  const sockets = Math.min(receivers, mostSockets);
  return Array.from({ length: sockets }, (_, i) => Math.floor((receivers + i) / sockets));
}
