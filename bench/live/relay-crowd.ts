import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';
import { type Crowd, spread } from './crowd.ts';

const main = fileURLToPath(new URL('relay.ts', import.meta.url));
const endsWithParent = new URL('../../src/ends-with-parent.ts', import.meta.url).href;

/** `relay.ts` in a process of its own. */
export interface Relay {
  readonly url: string;
  stop(): Promise<void>;
}

export async function startRelay(valkeyUrl: string, channel: string): Promise<Relay> {
  const child = spawn(process.execPath, ['--import', endsWithParent, main, valkeyUrl, channel], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
  const listening = once(createInterface(child.stdout), 'line').then(
    ([line]) => /listens on (http\S+)/.exec(line)?.[1],
  );
  const url = await Promise.race([listening, ended.then(() => undefined)]);
  if (url === undefined) throw new Error('the relay ended before it listened');
  return {
    url,
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** Receivers of a bare `ws` broadcast of what a bare PUBLISH brought: an event is a text. */
export class RelayCrowd implements Crowd {
  readonly size: number;
  readonly #url: string;
  readonly #text: string;
  readonly #sockets: readonly WebSocket[];
  onMessage: () => void = () => {};

  private constructor({ url }: Relay, text: string, size: number, sockets: readonly WebSocket[]) {
    this.#url = url;
    this.#text = text;
    this.size = size;
    this.#sockets = sockets;
    for (const socket of sockets) socket.on('message', () => this.onMessage());
  }

  static async open(relay: Relay, size: number, text: string): Promise<RelayCrowd> {
    const sockets: WebSocket[] = [];
    for (const copies of spread(size)) {
      const address = `${relay.url.replace(/^http/, 'ws')}/?copies=${copies}`;
      const socket = new WebSocket(address, { perMessageDeflate: false });
      await once(socket, 'open');
      sockets.push(socket);
    }
    return new RelayCrowd(relay, text, size, sockets);
  }

  async send(): Promise<void> {
    const response = await fetch(this.#url, { method: 'POST', body: this.#text });
    await response.text();
  }

  close(): void {
    for (const socket of this.#sockets) socket.terminate();
  }
}
