import type { Redis } from 'iovalkey';
import { connect, connectSubscriber } from '../../src/valkey/index.ts';
import { serverAddress } from '../server.ts';
import { type Crowd, spread } from './crowd.ts';

/**
 * Receivers on connections to Valkey itself: an event is a PUBLISH. A connection is told of a channel only once, but once more for
 * each pattern that fits it, so each has as many patterns as it has receivers.
 */
export class ValkeyCrowd implements Crowd {
  readonly size: number;
  readonly #publisher: Redis;
  readonly #channel: string;
  readonly #text: string;
  readonly #subscribers: readonly Redis[];
  onMessage: () => void = () => {};

  private constructor(publisher: Redis, channel: string, text: string, size: number, subscribers: readonly Redis[]) {
    this.#publisher = publisher;
    this.#channel = channel;
    this.#text = text;
    this.size = size;
    this.#subscribers = subscribers;
    for (const subscriber of subscribers) subscriber.on('pmessageBuffer', () => this.onMessage());
  }

  static async open(valkeyUrl: string, channel: string, size: number, text: string): Promise<ValkeyCrowd> {
    const address = serverAddress(valkeyUrl);
    const subscribers: Redis[] = [];
    for (const receivers of spread(size)) {
      const subscriber = connectSubscriber(address);
      await new Promise((resolve) => subscriber.once('ready', resolve));
      await subscriber.psubscribe(...Array.from({ length: receivers }, (_, i) => `${channel}[!${i}a]`));
      subscribers.push(subscriber);
    }
    return new ValkeyCrowd(connect(address), `${channel}!`, text, size, subscribers);
  }

  async send(): Promise<void> {
    await this.#publisher.publish(this.#channel, this.#text);
  }

  close(): void {
    for (const one of [this.#publisher, ...this.#subscribers]) one.disconnect();
  }
}
