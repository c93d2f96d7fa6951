import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { payment } from '../../graphql/transactions.ts';
import { startApi, type TestApi } from '../../support/api.ts';
import { Scrape } from '../../support/prometheus-text.ts';

let api: TestApi;

beforeAll(async () => {
  api = await startApi();
});

afterAll(() => api?.stop());

const record =
  'mutation ($inputs: [TransactionInput!]!) { recordTransactions(input: $inputs) { results { status user { riskProfile { txnCount1h } } } } }';

const at = (occurredAt: number) => new Date(occurredAt).toISOString();

describe('events', () => {
  it('are counted by what became of them, and rejected ones by the field that was why', async () => {
    const [one, other] = [payment(), payment()];
    const inputs = [
      one,
      one,
      other,
      payment({ amount: 1e16 }),
      payment({ userId: '' }),
      payment({ occurredAt: at(Date.now() + 3_600_000) }),
      payment({ occurredAt: at(Date.now() - 400 * 86_400_000) }),
    ];
    await api.ask(record, { inputs });
    await api.ask(record, { inputs: [payment()] });
    const scrape = await Scrape.of(api.url);
    const events = scrape.metrics.get('freshet_events_total')?.samples ?? [];
    expect(Object.fromEntries(events.map(({ labels, value }) => [labels.status, value]))).toEqual({
      recorded: 3,
      duplicate: 1,
      too_late: 1,
      rejected: 3,
      unavailable: 0,
    });
    const rejected = scrape.metrics.get('freshet_events_rejected_total')?.samples ?? [];
    expect(Object.fromEntries(rejected.map(({ labels, value }) => [labels.field, value]))).toEqual({
      'Transaction.amount': 1,
      'Transaction.userId': 1,
      'Transaction.occurredAt': 1,
    });
    expect(scrape.sum('freshet_events_per_mutation_sum')).toBe(8);
    expect(scrape.sum('freshet_events_per_mutation_bucket', { le: '1' })).toBe(1);
    expect(scrape.sum('freshet_events_per_mutation_bucket', { le: '10' })).toBe(2);
  });

  it('that are corrected, and entities that are forgotten, are counted by what became of it', async () => {
    const { transactionId, userId, merchantId, amount } = payment();
    const occurredAt = at(Date.now());
    await api.ask(record, { inputs: [{ transactionId, userId, merchantId, amount, occurredAt }] });
    const told = { transactionId, userId, merchantId, occurredAt };
    await api.ask('mutation ($input: LabelTransactionInput!) { labelTransaction(input: $input) { status } }', {
      input: { ...told, fraud: true },
    });
    await api.ask('mutation ($input: RetractTransactionInput!) { retractTransaction(input: $input) { status } }', {
      input: { ...told, amount: amount + 1 },
    });
    await api.ask('mutation ($id: ID!) { forgetUser(id: $id) { status } }', { id: userId });
    const scrape = await Scrape.of(api.url);
    const corrections = scrape.metrics.get('freshet_corrections_total')?.samples ?? [];
    expect(corrections.map(({ labels: { kind, status }, value }) => `${kind} ${status} ${value}`)).toEqual([
      'label labelled 1',
      'retract mismatch 1',
      'forget forgotten 1',
    ]);
  });

  it('and what they are stored by: reads that were true as stored, or folded, ways, and times of calls', async () => {
    const before = await Scrape.of(api.url);
    const { userId } = payment();
    const query = 'query ($ids: [ID!]!) { users(ids: $ids) { riskProfile { txnCount1h } } }';
    await api.ask(query, { ids: [userId, 'unknown'] });
    await api.ask(record, { inputs: [payment({ userId })] }); // the store makes the log
    await api.ask(record, { inputs: [payment({ userId })] }); // and this is added here
    await api.ask(query, { ids: [userId] });
    const after = await Scrape.of(api.url);
    const more = (name: string, labels = {}) => after.sum(name, labels) - before.sum(name, labels);
    expect(more('freshet_vectors_read_total', { how: 'folded' })).toBe(2);
    expect(more('freshet_vectors_read_total', { how: 'stored' })).toBe(1);
    expect(more('freshet_vectors_per_read_sum')).toBe(3);
    expect(more('freshet_recordings_total', { way: 'store' })).toBeGreaterThan(0);
    expect(more('freshet_recordings_total', { way: 'rehearsal' })).toBeGreaterThan(0);
    for (const [kind, call] of [
      ['pipeline', 'read'],
      ['pipeline', 'record_read'],
      ['pipeline', 'record_write'],
      ['function', 'read'],
      ['function', 'record'],
    ]) {
      expect(more('freshet_valkey_call_duration_seconds_count', { kind, call }), call).toBeGreaterThan(0);
      expect(more('freshet_valkey_call_duration_seconds_sum', { kind, call }), call).toBeGreaterThan(0);
    }
  });
});
