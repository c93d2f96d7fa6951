import type { MeasuredApi } from '../api-process.ts';
import { type Crowd, spread } from './crowd.ts';
import { pay } from './users.ts';
import { Watchers } from './watchers.ts';

/** Subscriptions to one user: an event is a transaction. */
export class ApiCrowd implements Crowd {
  readonly size: number;
  /** What each message is like. */
  readonly sample: string;
  readonly #api: MeasuredApi;
  readonly #user: string;
  readonly #watchers: Watchers;
  onMessage: () => void = () => {};

  private constructor(api: MeasuredApi, user: string, watchers: Watchers, size: number, sample: string) {
    this.#api = api;
    this.#user = user;
    this.#watchers = watchers;
    this.size = size;
    this.sample = sample;
    watchers.onMessage = () => this.onMessage();
  }

  static async open(api: MeasuredApi, size: number): Promise<ApiCrowd> {
    const user = `user-of-${size}`;
    await pay(api, [user]);
    const watchers = await Watchers.open(api.endpoint.url, spread(size).length);
    const sample = await watchers.watch(Array.from({ length: size }, () => [user]));
    return new ApiCrowd(api, user, watchers, size, sample);
  }

  send(): Promise<void> {
    return pay(this.#api, [this.#user]);
  }

  close(): void {
    this.#watchers.close();
  }
}
