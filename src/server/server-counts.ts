/** What a server does over HTTP, whatever is asked, since its start. */
export class ServerCounts {
  /** Responses by the first digit of their status. */
  readonly #responses = new Float64Array(6);
  /** Responses of which the client did not take all. */
  aborted = 0;
  /** Clients that were let go since they took nothing of what they had asked for. */
  readonly tooSlow = { sse: 0, websocket: 0 };
  /** WebSockets that were refused at the handshake. */
  refusedWebSockets = 0;

  answered(status: number, isWhole: boolean): void {
    const digit = Math.floor(status / 100);
    this.#responses[digit] = (this.#responses[digit] as number) + 1;
    if (!isWhole) this.aborted += 1;
  }

  /** Such as `2xx`, with how many. */
  *responses(): Iterable<readonly [string, number]> {
    for (let digit = 2; digit <= 5; digit++) yield [`${digit}xx`, this.#responses[digit] as number];
  }
}
