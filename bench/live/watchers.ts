import { once } from 'node:events';
import { WebSocket } from 'ws';

const watch = `subscription ($ids: [ID!]!) {
  userRiskProfileUpdated(userIds: $ids) {
    cause
    user {
      id
      riskProfile {
        txnCount1m txnCount1h txnCount24h txnAmount24h avgTxnAmount24h maxTxnAmount24h uniqueMerchants24h lastTxnAmount
        freshness { revision asOf }
      }
    }
  }
}`;

/**
 * Subscriptions to users' risk profiles, on sockets of their own. They are no GraphQL client: what they are sent is counted and
 * not parsed, so that most of what is measured is the server's time.
 */
export class Watchers {
  readonly #sockets: readonly WebSocket[];
  #count = 0;
  /** Called for each message of a subscription. */
  onMessage: (text: Buffer) => void = () => {};

  private constructor(sockets: readonly WebSocket[]) {
    this.#sockets = sockets;
    for (const socket of sockets) socket.on('message', (text: Buffer) => this.onMessage(text));
  }

  /** Opens so many sockets, until the server has acknowledged them. */
  static async open(url: string, sockets: number): Promise<Watchers> {
    const address = url.replace(/^http/, 'ws');
    const opened: WebSocket[] = [];
    for (let i = 0; i < sockets; i++) {
      const socket = new WebSocket(address, 'graphql-transport-ws', { perMessageDeflate: false });
      await once(socket, 'open');
      socket.send(JSON.stringify({ type: 'connection_init' }));
      await once(socket, 'message');
      opened.push(socket);
    }
    return new Watchers(opened);
  }

  /**
   * Begins a subscription for each list of ids, spread over the sockets, and waits for all their snapshots.
   * @returns a snapshot, as it was sent.
   */
  async watch(lists: readonly (readonly string[])[]): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    let missing = lists.length;
    this.onMessage = (text) => {
      if (!text.includes('"type":"next"') || text.includes('"errors":')) reject(new Error(`the API says: ${text}`));
      if (--missing === 0) resolve(String(text));
    };
    for (const ids of lists) {
      const socket = this.#sockets[this.#count % this.#sockets.length] as WebSocket;
      const payload = { query: watch, variables: { ids } };
      // As long as the ids that clients make.
      socket.send(JSON.stringify({ type: 'subscribe', id: String(++this.#count).padStart(8, '0'), payload }));
    }
    const snapshot = await promise;
    this.onMessage = () => {};
    return snapshot;
  }

  /** Breaks the connections. */
  close(): void {
    for (const socket of this.#sockets) socket.terminate();
  }
}
