import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { identifyProcess } from '../../src/valkey/embedded/process-identity.ts';
import { KeyRing } from '../support/access/key-ring.ts';
import { ApiClient, startApi } from '../support/api.ts';
import { until } from '../support/until.ts';

/** A demo as its users run it, with a folder of its own for temporary files. */
class Demo {
  readonly child: ChildProcess;
  readonly temporary: string;
  /** What it has printed so far. */
  stdout = '';
  stderr = '';
  readonly exited: Promise<number | string | null>;

  private constructor(temporary: string, args: readonly string[], environment: NodeJS.ProcessEnv) {
    this.temporary = temporary;
    const ours = /^(FRESHET_|PORT$|HOST$|VALKEY_URL$|DEMO_KEY$|LOG_LEVEL$)/;
    const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)));
    this.child = spawn(process.execPath, ['src/cli/demo.ts', ...args], {
      env: { ...inherited, PORT: '0', TMPDIR: temporary, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.exited = new Promise((resolve) => this.child.once('close', (code, signal) => resolve(code ?? signal)));
  }

  static async start(args: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<Demo> {
    const demo = new Demo(await mkdtemp(join(tmpdir(), 'freshet-demo-')), args, environment);
    demos.push(demo);
    return demo;
  }

  /** Waits until the live payments have begun; gives its API. */
  async live(): Promise<ApiClient> {
    const url = await until(() => /^Watch at (http\S+)\/#\S+$/m.exec(this.stdout)?.[1] ?? this.#hasEnded());
    return new ApiClient(url);
  }

  #hasEnded(): null {
    if (this.child.exitCode !== null) throw new Error(`the demo has ended:\n${this.stdout}${this.stderr}`);
    return null;
  }

  /** The processes of its API and its Valkey, by the lock of their folder; null while there are none. */
  processes(): { readonly api: number; readonly valkey: number } | null {
    const folder = readdirSync(this.temporary).find((name) => name.startsWith('freshet-valkey-'));
    const lock = folder ? join(this.temporary, folder, 'freshet.lock') : '';
    if (!existsSync(lock)) return null;
    const { ownerPid, valkeyPid } = JSON.parse(readFileSync(lock, 'utf8')) as { ownerPid: number; valkeyPid: number };
    return valkeyPid === null ? null : { api: ownerPid, valkey: valkeyPid };
  }

  /** What is left of it in its folder. */
  left(): string[] {
    return readdirSync(this.temporary);
  }
}

const demos: Demo[] = [];

afterEach(async () => {
  for (const demo of demos.splice(0)) {
    demo.child.kill('SIGKILL');
    await demo.exited;
    await rm(demo.temporary, { recursive: true, force: true });
  }
});

/** Not one that has ended, of which its parent, which was killed, cannot be told. */
function runs(pid: number): boolean {
  return identifyProcess(pid) !== null;
}

interface Profile {
  readonly txnCount1m: number;
  readonly txnCount30d: number;
}

/** What the API knows of the first customers of a demo together. */
async function profile(api: ApiClient, customers: number): Promise<Profile> {
  const ids = Array.from({ length: customers }, (_, i) => `user_${String(i + 1).padStart(4, '0')}`);
  const query = 'query ($ids: [ID!]!) { users(ids: $ids) { riskProfile { txnCount1m txnCount30d } } }';
  const { data } = await api.ask<{ users: { riskProfile: Profile }[] }>(query, { ids });
  const sum = (of: (profile: Profile) => number) =>
    (data?.users ?? []).reduce((all, one) => all + of(one.riskProfile), 0);
  return { txnCount1m: sum((one) => one.txnCount1m), txnCount30d: sum((one) => one.txnCount30d) };
}

/** The last line, which says what became of the live events. */
function summary(demo: Demo): { sent: number; recorded: number; duplicates: number } {
  const found = /^Sent (\d+) events: ([\d,]+) recorded, ([\d,]+) duplicates, 0 rejected, 0 unavailable \|/m.exec(
    demo.stdout,
  );
  if (!found) throw new Error(`no summary in:\n${demo.stdout}${demo.stderr}`);
  const [sent = 0, recorded = 0, duplicates = 0] = found.slice(1).map((text) => Number(text.replaceAll(',', '')));
  return { sent, recorded, duplicates };
}

describe('the demo', () => {
  it('records the past, then sends about as many events as it is asked to, and leaves nothing behind', async () => {
    const demo = await Demo.start(['--rate', '100', '--seconds', '3', '--customers', '20', '--terminals', '20']);
    const api = await demo.live();
    const recorded = Number(/^Recorded ([\d,]+) payments in \d/m.exec(demo.stdout)?.[1]?.replace(',', ''));
    // 20 customers with two payments a day for 30 days.
    expect(recorded).toBeGreaterThan(600);
    expect(recorded).toBeLessThan(2_400);
    const { txnCount30d } = await until(async () => {
      const found = await profile(api, 20);
      return found.txnCount1m > 100 && found;
    });
    expect(txnCount30d).toBeGreaterThan(recorded);
    const [pin] = /^ {2}user_\d{4}(?= {2}pays most often$)/m.exec(demo.stdout) ?? [];
    expect(Number(pin?.trim().slice(5))).toBeLessThanOrEqual(20);
    expect(await demo.exited).toBe(0);
    const { sent, ...fates } = summary(demo);
    expect(fates).toEqual({ recorded: sent, duplicates: 0 });
    expect(sent).toBeGreaterThan(150);
    expect(sent).toBeLessThan(600);
    expect(demo.stderr).toBe('');
    expect(demo.left()).toEqual([]);
  });

  it.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
    ['SIGHUP', 129],
  ] as const)('ended by %s exits with %d, with its API, its Valkey and their data', async (signal, status) => {
    const demo = await Demo.start(['--history', '0']);
    await demo.live();
    const { api, valkey } = await until(() => demo.processes());
    expect([runs(api), runs(valkey)]).toEqual([true, true]);
    demo.child.kill(signal);
    expect(await demo.exited).toBe(status);
    expect([runs(api), runs(valkey)]).toEqual([false, false]);
    expect(demo.left()).toEqual([]);
    expect(demo.stderr).toBe('');
    expect(summary(demo).sent).toBe(summary(demo).recorded);
  });

  it('ended while its API starts leaves nothing behind', async () => {
    const demo = await Demo.start([]);
    const { api, valkey } = await until(() => demo.processes());
    demo.child.kill('SIGTERM');
    expect(await demo.exited).toBe(143);
    expect([runs(api), runs(valkey)]).toEqual([false, false]);
    expect(demo.left()).toEqual([]);
  });

  it('says that its API was killed, and ends what that left running', async () => {
    const demo = await Demo.start(['--history', '0']);
    await demo.live();
    const { api, valkey } = await until(() => demo.processes());
    process.kill(api, 'SIGKILL');
    expect(await demo.exited).toBe(1);
    expect(demo.stderr).toMatch(/^The API has ended \(SIGKILL\)/m);
    expect(runs(valkey)).toBe(false);
    expect(demo.left()).toEqual([]);
  });

  it('killed itself takes its API and its Valkey along, and what is left the next one clears away', async () => {
    const demo = await Demo.start(['--history', '0']);
    await demo.live();
    const { api, valkey } = await until(() => demo.processes());
    demo.child.kill('SIGKILL');
    await until(() => !runs(api) && !runs(valkey));
    expect(demo.left()).toHaveLength(1);
    const next = await Demo.start(['--history', '0', '--seconds', '0'], { TMPDIR: demo.temporary });
    expect(await next.exited).toBe(0);
    expect(demo.left()).toEqual([]);
  });

  it('says why its API cannot start', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void other.close());
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as { port: number };
    const demo = await Demo.start([], { PORT: String(port), VALKEY_URL: 'valkey://127.0.0.1:1' });
    expect(await demo.exited).toBe(1);
    expect(demo.stderr).toContain('VALKEY_URL is not used');
    expect(demo.stderr).toMatch(new RegExp(`^Port ${port} on 127.0.0.1 is taken by another program`, 'm'));
    expect(demo.stderr).toMatch(/^The API could not start \(exit status 1\)/m);
    expect(demo.left()).toEqual([]);
  });
});

describe('a demo with --url', () => {
  it('sends to an API that runs already, without a past unless it is asked for, and with new ids each time', async () => {
    const api = await startApi();
    onTestFinished(() => api.stop());
    const options = [
      '--url',
      api.graphqlUrl,
      '--seconds',
      '1',
      '--rate',
      '50',
      '--customers',
      '10',
      '--terminals',
      '10',
    ];
    const first = await Demo.start(options);
    expect(await first.exited).toBe(0);
    const before = await profile(api, 10);
    expect(before).toEqual({ txnCount1m: summary(first).sent, txnCount30d: summary(first).sent });
    expect(before.txnCount30d).toBeGreaterThan(0);
    expect(first.left()).toEqual([]);

    const second = await Demo.start([...options, '--history', '5d']);
    expect(await second.exited).toBe(0);
    const past = Number(/^Recorded (\d+) payments/m.exec(second.stdout)?.[1]);
    expect(past).toBeGreaterThan(20);
    expect(summary(second)).toMatchObject({ duplicates: 0, recorded: summary(second).sent });
    expect((await profile(api, 10)).txnCount30d).toBe(before.txnCount30d + past + summary(second).sent);
  });

  it('says why its events are rejected, and that it went wrong', async () => {
    const api = await startApi();
    onTestFinished(() => api.stop());
    // Whose clock is a minute ahead of the store's.
    const ahead = 'data:text/javascript,const{now}=Date;Date.now=()=>now()+60000';
    const demo = await Demo.start(['--url', api.graphqlUrl, '--seconds', '1'], { NODE_OPTIONS: `--import=${ahead}` });
    expect(await demo.exited).toBe(1);
    expect(demo.stderr).toMatch(/^The API rejected events: .*ahead/m);
    expect(demo.stdout).toMatch(/^Sent \d+ events: 0 recorded, 0 duplicates, [1-9]\d* rejected/m);
  });

  it('shows its key to one that asks who it is', async () => {
    const keys = new KeyRing();
    const api = await startApi({ authenticator: keys.authenticator });
    onTestFinished(async () => {
      await api.stop();
      keys.close();
    });
    const options = ['--url', api.graphqlUrl, '--seconds', '1', '--rate', '50'];
    const stranger = await Demo.start(options);
    expect(await stranger.exited).toBe(1);
    expect(stranger.stderr).toMatch(/answers 401: .*DEMO_KEY is for a key that it knows\.\n$/);
    const { authorization } = await keys.add('demo', ['events:write']);
    const demo = await Demo.start(options, { DEMO_KEY: authorization.replace('Bearer ', '') });
    expect(await demo.exited).toBe(0);
    expect(summary(demo).recorded).toBeGreaterThan(0);
  });

  it('says that there is none', async () => {
    const demo = await Demo.start(['--url', 'http://127.0.0.1:1/graphql']);
    expect(await demo.exited).toBe(1);
    expect(demo.stderr).toMatch(/^http:\/\/127\.0\.0\.1:1\/graphql does not answer: .*npm start.*\n$/);
  });
});
