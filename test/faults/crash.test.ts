import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findFreePort } from '../../src/valkey/embedded/launch.ts';
import { type ApiClient, ApiProcess } from '../support/api.ts';
import { CountsOf } from '../support/counts-of.ts';
import { InsistentLoad } from '../support/insistent-load.ts';
import { patienceMs, thoroughness } from '../support/property.ts';
import { ServerProcess } from '../support/server-process.ts';
import { until } from '../support/until.ts';
import { compiler, SyncedLengths } from './power-loss.ts';

/** Of `npm test`; of a long run it is fifty. */
const rounds = Math.min(50, 5 * thoroughness);

let lengths: SyncedLengths;
let server: ServerProcess;
let settings: { readonly [name: string]: string };

beforeAll(async () => {
  if (!compiler) return;
  lengths = await SyncedLengths.compile();
  server = await ServerProcess.start({
    settings: { appendonly: 'yes', appendfsync: 'always', 'auto-aof-rewrite-percentage': '0' },
    environment: lengths.environment,
  });
  settings = { VALKEY_URL: server.url, FRESHET_ACK: 'fsync', PORT: String(await findFreePort()), LOG_LEVEL: 'fatal' };
});

afterAll(async () => {
  await server?.destroy();
  await lengths?.remove();
});

describe.skipIf(!compiler)('what was acknowledged as on disk', () => {
  it(
    `is there, once, after ${rounds} crashes of Valkey, or of the API, and the loss of all that was not on disk`,
    async () => {
      let api = new ApiProcess(settings);
      const client: ApiClient = await api.listening();
      const counts = CountsOf.some('crash');
      const load = new InsistentLoad({ ...counts, api: () => client, width: 8, eventsABatch: 3 });
      const lost: number[] = [];
      for (let round = 0; round < rounds; round++) {
        const before = load.acknowledged;
        const atLeast = 20 + 200 * Math.random();
        await until(() => load.acknowledged > before + atLeast, 30_000);
        if (round % 5 === 4) {
          api.child.kill('SIGKILL');
          await api.exited;
          api = new ApiProcess(settings);
          await api.listening();
        } else {
          await server.kill();
          lost.push(await lengths.cutBack(server));
          await server.start();
        }
      }
      await load.end();
      await counts.expectThere(client, load);
      load.tell(`${rounds} crashes`, {
        ofValkey: lost.length,
        withUnsyncedBytes: lost.filter((bytes) => bytes > 0).length,
        unsyncedBytes: lost.reduce((sum, bytes) => sum + bytes, 0),
      });
      await api.stop();
    },
    patienceMs + 120_000,
  );

  it('is not all that was written: a server that syncs by the second loses acknowledged events so', async () => {
    // That the test above can fail: what it cuts away is what a careless acknowledgement would have promised.
    await server.admin.config('SET', 'appendfsync', 'everysec');
    const api = new ApiProcess({ ...settings, FRESHET_ACK: 'memory' });
    const client = await api.listening();
    const counts = CountsOf.some('careless');
    const load = new InsistentLoad({ ...counts, api: () => client });
    await until(() => load.acknowledged > 300);
    await server.kill();
    expect(await lengths.cutBack(server)).toBeGreaterThan(0);
    await server.start();
    await load.end();
    expect((await counts.differences(client, load)).length).toBeGreaterThan(0);
    await api.stop();
  }, 60_000);
});
