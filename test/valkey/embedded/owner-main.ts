/*
 * What an OwnerProcess runs. It begins on the message `go`, answers with an Outcome, and ends in order on `stop`, by
 * process.exit on `exit`, or with its parent.
 */
import { EmbeddedValkeyError } from '../../../src/valkey/embedded/embedded-valkey-error.ts';
import { lockDataDirectory } from '../../../src/valkey/embedded/lock.ts';
import { startEmbeddedValkey } from '../../../src/valkey/embedded/server.ts';

export type Outcome =
  | { readonly held: true; readonly url: string | null; readonly serverPid: number | null }
  | { readonly held: false; readonly code: string; readonly message: string };

const [mode, dataDir = ''] = process.argv.slice(2);
const report = (): void => {};
let release = async (): Promise<void> => {};

async function take(): Promise<Outcome> {
  try {
    if (mode === 'lock') {
      const lock = await lockDataDirectory(dataDir, { report, patienceMs: 0 });
      release = async () => lock.release();
      return { held: true, url: null, serverPid: null };
    }
    const server = await (mode === 'throwaway'
      ? startEmbeddedValkey({ persistent: false, report })
      : startEmbeddedValkey({ persistent: true, dataDir, report, lockPatienceMs: 0 }));
    release = () => server.stop();
    return { held: true, url: server.url, serverPid: server.pid };
  } catch (error) {
    if (error instanceof EmbeddedValkeyError) return { held: false, code: error.code, message: error.message };
    return { held: false, code: 'UNEXPECTED', message: String(error) };
  }
}

async function end(): Promise<void> {
  await release();
  process.disconnect?.();
}

process.on('message', (message) => {
  if (message === 'go') void take().then((outcome) => process.send?.(outcome));
  if (message === 'stop') void end();
  if (message === 'exit') process.exit(0);
});
process.on('disconnect', () => void release());
process.send?.('ready');
