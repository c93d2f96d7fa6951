import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, realpathSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { ApiClient, newKeyPrefix } from '../support/api.ts';
import { until } from '../support/until.ts';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const app = '/mnt/app';

/** As in the image: the program at a path of its own, nothing writable but an empty /tmp, and a user without any rights. */
const confine = `
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs /mnt
mkdir ${app}
mount --bind "$REPOSITORY" ${app}
mount -t tmpfs -o mode=1777,size=16m tmpfs /tmp
mount -o remount,ro,bind ${app}
mount -o remount,ro /mnt
mount -o remount,ro,bind /
cd ${app}
exec setpriv --reuid 1000 --regid 1000 --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all "$@"
`;

function confined(program: readonly string[]): [string, string[]] {
  return ['unshare', ['--mount', 'sh', '-c', confine, 'sh', ...program]];
}

const environment = { PATH: process.env.PATH ?? '', REPOSITORY: repository };

/** Takes the right to mount, which not everyone has who runs tests. */
function canBeConfined(): boolean {
  return spawnSync(...confined(['true']), { env: environment }).status === 0;
}

/** Node as it is found at the other path. */
function nodeThere(): string {
  const inside = relative(repository, realpathSync(process.execPath));
  return inside.startsWith('..') ? process.execPath : `${app}/${inside}`;
}

/** A line of /proc/…/status. */
function statusOf(pid: number, name: string): string {
  return new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '';
}

describe.runIf(canBeConfined())(
  'an API that may write nothing but to /tmp, by a user without rights',
  { timeout: 120_000 },
  () => {
    test.each([1, 2])('serves and ends in good order with %i workers', async (workers) => {
      const api = spawn(...confined([nodeThere(), 'src/main.ts']), {
        env: {
          ...environment,
          NODE_ENV: 'production',
          PORT: '0',
          WORKERS: String(workers),
          VALKEY_URL: inject('valkeyUrl'),
          FRESHET_KEY_PREFIX: newKeyPrefix(),
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      onTestFinished(() => void api.kill('SIGKILL'));
      let said = '';
      for (const stream of [api.stdout, api.stderr]) {
        stream.setEncoding('utf8').on('data', (text: string) => {
          said += text;
        });
      }
      const exited = once(api, 'close');
      const url = await until(() => {
        if (api.exitCode !== null) throw new Error(said);
        return /listens on (http\S+)\/graphql/.exec(said)?.[1];
      });
      const client = new ApiClient(url);
      const { data } = await client.ask(
        'mutation { recordTransaction(input: { transactionId: "t", userId: "u", merchantId: "m", amount: 1 }) { status } }',
      );
      expect(data).toEqual({ recordTransaction: { status: 'RECORDED' } });
      expect(await client.get('/readyz')).toMatchObject({ status: 200 });

      const pid = api.pid as number;
      expect(statusOf(pid, 'Uid').split('\t')).toEqual(['1000', '1000', '1000', '1000']);
      for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd']) expect(statusOf(pid, set)).toMatch(/^0+$/);
      expect(statusOf(pid, 'NoNewPrivs')).toBe('1');
      const mounts = readFileSync(`/proc/${pid}/mounts`, 'utf8')
        .split('\n')
        .map((line) => line.split(' '));
      const optionsOf = (path: string) => mounts.findLast(([, at]) => at === path)?.[3]?.split(',');
      for (const path of ['/', '/mnt', app]) expect(optionsOf(path)).toContain('ro');
      expect(optionsOf('/tmp')).toContain('rw');

      api.kill('SIGTERM');
      expect((await exited)[0]).toBe(0);
    });
  },
);
