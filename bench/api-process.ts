import { ApiProcess } from '../src/api-process.ts';
import { Endpoint } from '../src/simulate/index.ts';

const tellsMemory = new URL('tells-memory.ts', import.meta.url).href;

export interface ApiSettings {
  readonly valkeyUrl: string;
  readonly keyPrefix: string;
  /** `event`: a month of event time takes minutes. */
  readonly clock: 'event' | 'wall';
}

/** An API in a process of its own: what it computes is not what the bench computes. */
export interface MeasuredApi {
  readonly endpoint: Endpoint;
  /** Collects its garbage, and tells what is left. */
  memory(): Promise<NodeJS.MemoryUsage>;
  stop(): Promise<void>;
}

/** Starts it on any free port, and returns once it listens. */
export async function startApi({ valkeyUrl, keyPrefix, clock }: ApiSettings): Promise<MeasuredApi> {
  const api = new ApiProcess({
    settings: {
      PORT: '0',
      LOG_LEVEL: 'warn',
      VALKEY_URL: valkeyUrl,
      FRESHET_KEY_PREFIX: keyPrefix,
      FRESHET_CLOCK: clock,
    },
    nodeOptions: ['--expose-gc', '--import', tellsMemory],
  });
  return {
    endpoint: new Endpoint(await api.listening()),
    memory: async () => (await api.answer('memory')) as NodeJS.MemoryUsage,
    stop: () => api.stop(),
  };
}
