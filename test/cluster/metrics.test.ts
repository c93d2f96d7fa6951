import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { payment } from '../graphql/transactions.ts';
import { newKeyPrefix } from '../support/api.ts';
import { Scrape } from '../support/prometheus-text.ts';
import { until } from '../support/until.ts';
import { runs, type WorkerConnection, Workers } from '../support/workers.ts';

let service: Workers;
const connections: WorkerConnection[] = [];

beforeAll(async () => {
  service = await Workers.start(2, { VALKEY_URL: inject('valkeyUrl'), FRESHET_KEY_PREFIX: newKeyPrefix() });
});

afterAll(async () => {
  for (const connection of connections) connection.close();
  await service?.process.stop();
});

async function connectTo(worker: number): Promise<WorkerConnection> {
  const connection = await service.connectTo(worker);
  connections.push(connection);
  return connection;
}

/** What is told by the worker at the other end. */
async function scrape(connection: WorkerConnection): Promise<Scrape> {
  const { status, text } = await connection.ask('GET', '/metrics');
  expect(status).toBe(200);
  return new Scrape(text);
}

const record = 'mutation ($input: TransactionInput!) { recordTransaction(input: $input) { status } }';

describe('the metrics of several workers', () => {
  it('are those of all of them, whichever is asked', async () => {
    const [one, other] = [await connectTo(1), await connectTo(2)];
    for (let i = 0; i < 3; i++) await one.graphql(record, { input: payment() });
    for (let i = 0; i < 4; i++) await other.graphql(record, { input: payment() });
    for (const connection of [one, other]) {
      const told = await scrape(connection);
      expect(told.sum('freshet_events_total', { status: 'recorded' })).toBe(7);
      expect(told.sum('freshet_requests_total', { operation: 'mutation' })).toBe(7);
      expect(told.sum('freshet_request_duration_seconds_count', { operation: 'mutation' })).toBe(7);
      const workers = (state: string) => told.sum('freshet_workers', { state });
      expect([workers('wanted'), workers('serving'), workers('answered')]).toEqual([2, 2, 2]);
      expect(told.sum('freshet_valkey_connected')).toBe(1);
      expect(told.sum('freshet_ready')).toBe(1);
      // Of Node's own: processors' time adds up, and of delays the longest is told.
      expect(told.metrics.get('process_cpu_seconds_total')?.samples).toHaveLength(1);
      expect(told.has('nodejs_eventloop_lag_p99_seconds')).toBe(true);
      expect(told.has('process_start_time_seconds')).toBe(true);
    }
  });

  it('do not fall when a worker ends: what it was last heard to have counted stays', async () => {
    const one = await connectTo(1);
    const before = await scrape(one);
    const pid = service.pidsOf(2).at(-1) as number;
    process.kill(pid, 'SIGKILL');
    await until(() => !runs(pid));
    const after = await until(async () => {
      const told = await scrape(one);
      return (
        told.sum('freshet_workers', { state: 'answered' }) === 2 && told.sum('freshet_workers_ended_total') > 0 && told
      );
    });
    expect(after.sum('freshet_events_total', { status: 'recorded' })).toBe(7);
    for (const { name, type } of before.metrics.values()) {
      if (type !== 'counter') continue;
      expect(after.sum(name), name).toBeGreaterThanOrEqual(before.sum(name));
    }
    const anew = await connectTo(2);
    await anew.graphql(record, { input: payment() });
    expect((await scrape(anew)).sum('freshet_events_total', { status: 'recorded' })).toBe(8);
  });

  it('are told without those of one that hangs, in time', async () => {
    const one = await connectTo(1);
    const pid = service.pidsOf(2).at(-1) as number;
    process.kill(pid, 'SIGSTOP');
    try {
      const told = await scrape(one);
      const workers = (state: string) => told.sum('freshet_workers', { state });
      expect([workers('wanted'), workers('answered')]).toEqual([2, 1]);
      expect(told.sum('freshet_events_total', { status: 'recorded' })).toBe(8);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await until(async () => (await scrape(one)).sum('freshet_workers', { state: 'answered' }) === 2);
  });
});
