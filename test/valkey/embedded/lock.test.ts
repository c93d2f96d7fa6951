import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { LockRecord } from '../../../src/valkey/embedded/lock-file.ts';
import { identifyServer, stopOrphan } from '../../../src/valkey/embedded/orphan.ts';
import { identifyProcess, isRunning } from '../../../src/valkey/embedded/process-identity.ts';
import { ask } from '../../../src/valkey/embedded/resp.ts';
import { type EmbeddedValkey, startEmbeddedValkey } from '../../../src/valkey/embedded/server.ts';
import { until } from '../../support/until.ts';
import { type OwnerMode, type OwnerProcess, ownerProcess } from './owner-process.ts';

const report = (): void => {};
let dataDir: string;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'embedded-test-'));
});
afterEach(() => {
  rmSync(dataDir, { recursive: true, force: true });
});

const lockPath = (): string => join(dataDir, 'freshet.lock');

function readLock(): LockRecord {
  return JSON.parse(readFileSync(lockPath(), 'utf8')) as LockRecord;
}

/** A lock, or a claim on another, as a process that has died left it. */
function deadRecord(changes: Partial<LockRecord> = {}): LockRecord {
  return {
    token: crypto.randomUUID(),
    hostname: hostname(),
    // Ours, but of a process that started at another time: what a reused pid looks like.
    ownerPid: process.pid,
    ownerStartedAt: 'before:1',
    port: null,
    valkeyPid: null,
    valkeyStartedAt: null,
    runId: null,
    ...changes,
  };
}

function writeRecord(path: string, record: LockRecord): void {
  writeFileSync(path, JSON.stringify(record));
}

async function start(
  options: { lockPatienceMs?: number; report?: (line: string) => void } = {},
): Promise<EmbeddedValkey> {
  const valkey = await startEmbeddedValkey({ persistent: true, dataDir, report, ...options });
  onTestFinished(() => valkey.stop());
  return valkey;
}

async function owner(mode: OwnerMode): Promise<OwnerProcess> {
  const process = await ownerProcess(mode, dataDir);
  onTestFinished(() => process.end('stop'));
  return process;
}

/** A process that runs a server, on the data directory unless it is a throw-away. */
async function runningOwner(mode: OwnerMode = 'start'): Promise<OwnerProcess & { port: number; serverPid: number }> {
  const process = await owner(mode);
  const outcome = await process.go();
  if (!outcome.held || outcome.url === null || outcome.serverPid === null) throw new Error(JSON.stringify(outcome));
  return { ...process, port: portOf(outcome), serverPid: outcome.serverPid };
}

function portOf(server: { readonly url: string | null }): number {
  return Number(new URL(server.url ?? '').port);
}

describe('a data directory', () => {
  it('that a living process holds is refused, and its server lives on', async () => {
    const sibling = await runningOwner();
    const attempt = start({ lockPatienceMs: 0 });
    await expect(attempt).rejects.toMatchObject({ code: 'DATA_DIRECTORY_IN_USE' });
    await expect(attempt).rejects.toThrow(`Another Freshet is running on this data directory (process ${sibling.pid}`);
    expect(await ask(sibling.port, ['PING'])).toBe('PONG');
    expect(readLock()).toMatchObject({ ownerPid: sibling.pid, port: sibling.port, valkeyPid: sibling.serverPid });
  });

  it('that this very process holds is refused too', async () => {
    await start();
    await expect(start({ lockPatienceMs: 0 })).rejects.toMatchObject({ code: 'DATA_DIRECTORY_IN_USE' });
  });

  it('is waited for a moment, for its owner may be about to end', async () => {
    const sibling = await runningOwner();
    const lines: string[] = [];
    const attempt = start({ lockPatienceMs: 20_000, report: (line) => lines.push(line) });
    await until(() => lines.some((line) => line.startsWith(`Waiting for process ${sibling.pid}`)));
    await sibling.end('stop');
    expect(portOf(await attempt)).toBeGreaterThan(0);
  });

  it('is free again after an orderly stop', async () => {
    const valkey = await start();
    await valkey.stop();
    expect(readdirSync(dataDir)).toEqual(['appendonlydir']);
  });

  it.runIf(process.platform === 'linux')('is taken over from a dead owner whose pid is reused', async () => {
    writeRecord(lockPath(), deadRecord());
    await start({ lockPatienceMs: 0 });
    expect(readLock().ownerStartedAt).toBe(identifyProcess(process.pid)?.startedAt);
  });

  it('that another machine or container holds is refused, since its process cannot be looked at', async () => {
    writeRecord(lockPath(), deadRecord({ hostname: 'elsewhere', ownerPid: 4_000_000 }));
    await expect(start()).rejects.toThrow(
      /another machine or in another container \(“elsewhere”\).*delete .*freshet\.lock/s,
    );
  });

  it('with a damaged lock is refused, since nothing tells whether it is held', async () => {
    writeFileSync(lockPath(), '{"token": 1');
    await expect(start()).rejects.toThrow(/damaged.*delete the file/s);
  });
});

describe('of several who start at the same moment', () => {
  const several = 6;

  /** Has several processes go for the directory at once; exactly one may have it. */
  async function race(): Promise<OwnerProcess> {
    const processes = await Promise.all(Array.from({ length: several }, () => owner('lock')));
    const outcomes = await Promise.all(processes.map((process) => process.go()));
    const winners = processes.filter((_, index) => outcomes[index]?.held);
    expect(winners).toHaveLength(1);
    for (const outcome of outcomes) {
      if (!outcome.held) expect(outcome).toMatchObject({ code: 'DATA_DIRECTORY_IN_USE', message: expect.any(String) });
    }
    const [winner] = winners as [OwnerProcess];
    expect(readLock().ownerPid).toBe(winner.pid);
    expect(readdirSync(dataDir)).toEqual(['freshet.lock']);
    await Promise.all(processes.filter((process) => process !== winner).map((process) => process.end('stop')));
    return winner;
  }

  it('one has the directory, and when it is killed, one again', async () => {
    const first = await race();
    await first.end('SIGKILL');
    const second = await race();
    await second.end('stop');
    expect(readdirSync(dataDir)).toEqual([]);
  });

  it('one takes over the directory of another who died while he took it over', async () => {
    const stale = deadRecord();
    const claim = deadRecord();
    const claimOnTheClaim = deadRecord();
    writeRecord(lockPath(), stale);
    writeRecord(`${lockPath()}.claim-${stale.token}`, claim);
    writeRecord(`${lockPath()}.claim-${claim.token}`, claimOnTheClaim);
    await race();
  });

  it('one runs a server', async () => {
    const processes = await Promise.all([owner('start'), owner('start')]);
    const outcomes = await Promise.all(processes.map((process) => process.go()));
    const winner = outcomes.find((outcome) => outcome.held);
    const loser = outcomes.find((outcome) => !outcome.held);
    expect(loser).toMatchObject({ code: 'DATA_DIRECTORY_IN_USE' });
    expect(await ask(portOf(winner as { url: string }), ['PING'])).toBe('PONG');
  });
});

describe('a server whose owner was killed', () => {
  it('is stopped by the next start, which has its data', async () => {
    const killed = await runningOwner();
    await ask(killed.port, ['SET', 'kept', 'yes']);
    await killed.end('SIGKILL');
    expect(await ask(killed.port, ['PING'])).toBe('PONG');

    const lines: string[] = [];
    const valkey = await start({ report: (line) => lines.push(line) });
    expect(lines).toEqual([expect.stringContaining(`Stopping the Valkey (process ${killed.serverPid}`)]);
    expect(isRunning({ pid: killed.serverPid, startedAt: null })).toBe(false);
    expect(await ask(portOf(valkey), ['GET', 'kept'])).toBe('yes');
  });

  it('is known even if its owner died before it had learned its run id', async () => {
    const killed = await runningOwner();
    await killed.end('SIGKILL');
    writeRecord(lockPath(), { ...readLock(), runId: null, valkeyPid: null, valkeyStartedAt: null });
    await start();
    expect(await identifyServer(killed.port)).toBeNull();
  });

  it('is not mistaken for another that has its port now', async () => {
    const bystander = await startEmbeddedValkey({ persistent: false, report });
    onTestFinished(() => bystander.stop());
    const port = portOf(bystander);
    writeRecord(lockPath(), deadRecord({ port, valkeyPid: bystander.pid, runId: 'a'.repeat(40) }));
    await (await start({ lockPatienceMs: 0 })).stop();
    writeRecord(lockPath(), deadRecord({ port }));
    await (await start({ lockPatienceMs: 0 })).stop();
    expect(await ask(port, ['PING'])).toBe('PONG');
  });

  it('is not started beside while it hangs', async () => {
    const killed = await runningOwner();
    await killed.end('SIGKILL');
    process.kill(killed.serverPid, 'SIGSTOP');
    try {
      const record = readLock();
      await expect(stopOrphan(record, report, 100)).rejects.toMatchObject({ code: 'VALKEY_ORPHAN_STUCK' });
    } finally {
      process.kill(killed.serverPid, 'SIGCONT');
    }
    await start();
    expect(isRunning({ pid: killed.serverPid, startedAt: null })).toBe(false);
  });

  it('is cleared away with its directory by the next throw-away server, if it was one itself', async () => {
    const killed = await runningOwner('throwaway');
    const [, directory] = (await ask(killed.port, ['CONFIG', 'GET', 'dir'])) as [string, string];
    await killed.end('SIGKILL');
    const next = await startEmbeddedValkey({ persistent: false, report });
    onTestFinished(() => next.stop());
    // Another run of these tests may be clearing it away at the same time.
    await until(() => !isRunning({ pid: killed.serverPid, startedAt: null }) && !existsSync(directory));
  });
});
