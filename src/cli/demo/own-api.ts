import { once } from 'node:events';
import { ApiProcess } from '../../api-process.ts';
import { clearThrowawayDirectory, createThrowawayDirectory } from '../../valkey/index.ts';

/** The API that the demo starts, with data that nobody keeps. */
export interface OwnApi {
  /** Of its GraphQL. */
  readonly url: string;
  /** Settles with how it ended, when it has. */
  readonly ended: Promise<ApiEndedError>;
}

/** The API ended though nobody asked it to. Why, it has said itself. */
export class ApiEndedError extends Error {
  override readonly name = 'ApiEndedError';
  readonly code = 'API_ENDED';

  constructor(what: string, how: number | NodeJS.Signals) {
    super(`${what} (${typeof how === 'number' ? `exit status ${how}` : how}); what it said is above.`);
  }
}

/** What the environment may say of it: where it listens, and how much it tells. */
const handedOn = ['PORT', 'HOST', 'LOG_LEVEL', 'FRESHET_AUTH'];

/**
 * Starts an API on an embedded Valkey of its own, lets `work` use it once it listens, and leaves neither process nor
 * directory behind. What the API has to say goes to `say`.
 * @throws ApiEndedError if it could not start; the signal's reason, if that comes first; whatever `work` throws.
 */
export async function withOwnApi<T>(
  signal: AbortSignal,
  say: (line: string) => void,
  work: (api: OwnApi) => Promise<T>,
): Promise<T> {
  const directory = await createThrowawayDirectory(say);
  try {
    const api = new ApiProcess({
      settings: settingsOf(process.env, directory),
      onLine: (line) => {
        const words = wordsOf(line);
        if (!words.startsWith('Freshet listens on')) say(words);
      },
    });
    try {
      const url = await listening(api, signal);
      return await work({ url, ended: api.exited.then((how) => new ApiEndedError('The API has ended', how)) });
    } finally {
      await api.stop();
    }
  } finally {
    await clearThrowawayDirectory(directory, say);
  }
}

function settingsOf(env: NodeJS.ProcessEnv, directory: string): { readonly [name: string]: string } {
  const given = handedOn.flatMap((name) => (env[name] ? [[name, env[name]]] : []));
  return { LOG_LEVEL: 'warn', ...Object.fromEntries(given), FRESHET_DATA_DIR: directory };
}

async function listening(api: ApiProcess, signal: AbortSignal): Promise<string> {
  signal.throwIfAborted();
  const aborted = once(signal, 'abort').then(() => {
    throw signal.reason;
  });
  const listening = api.listening().catch(async () => {
    throw new ApiEndedError('The API could not start', await api.exited);
  });
  return Promise.race([listening, aborted]);
}

/** What a line of the API says to people: a line of its log is JSON. */
function wordsOf(line: string): string {
  try {
    const { msg, err } = JSON.parse(line) as { msg?: string; err?: { message?: string } };
    return err?.message ? `${msg}: ${err.message}` : (msg ?? line);
  } catch {
    return line;
  }
}
