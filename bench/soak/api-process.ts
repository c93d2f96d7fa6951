import { ApiProcess } from '../../src/api-process.ts';
import { Endpoint } from '../../src/simulate/index.ts';

/** An API in a process of its own: what it computes is not what the bench computes. */
export interface SoakedApi {
  readonly endpoint: Endpoint;
  stop(): Promise<void>;
}

/** Starts it under the event clock, on any free port, and returns once it listens. */
export async function startApi(valkeyUrl: string, keyPrefix: string): Promise<SoakedApi> {
  const api = new ApiProcess({
    settings: {
      PORT: '0',
      LOG_LEVEL: 'warn',
      VALKEY_URL: valkeyUrl,
      FRESHET_KEY_PREFIX: keyPrefix,
      FRESHET_CLOCK: 'event', // a month of event time takes minutes
    },
  });
  return { endpoint: new Endpoint(await api.listening()), stop: () => api.stop() };
}
