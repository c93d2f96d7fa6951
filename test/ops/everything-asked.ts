import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { payment } from '../graphql/transactions.ts';
import { startApi } from '../support/api.ts';
import { EventStream } from '../support/event-stream.ts';
import { Scrape } from '../support/prometheus-text.ts';
import { ProtocolSocket } from '../support/protocol-socket.ts';
import { ThrowawayValkey } from '../support/throwaway-valkey.ts';
import { until } from '../support/until.ts';

const record = 'mutation ($inputs: [TransactionInput!]!) { recordTransactions(input: $inputs) { recorded } }';
const watch = 'subscription { userRiskProfileUpdated(userIds: ["u"]) { cause } }';

/** What a live server tells after some of everything was asked of it, and what one tells whose store is away. */
export async function scrapeAfterTraffic(): Promise<readonly [Scrape, Scrape]> {
  collectGarbage();
  const api = await startApi();
  const nowhere = await ThrowawayValkey.create();
  const away = await startApi({ valkeyUrl: nowhere.url });
  try {
    const socket = await ProtocolSocket.open(api.webSocketUrl);
    socket.subscribe('w', watch);
    const stream = await EventStream.open(api.graphqlUrl, { method: 'POST', body: { query: watch } });
    await until(() => socket.of('next').length === 1 && stream.events.length === 1);
    const paid = payment({ userId: 'u', occurredAt: new Date().toISOString() });
    await api.ask(record, { inputs: [paid, paid, payment({ amount: 1e16 })] });
    await api.ask(record, { inputs: [payment({ userId: 'u' })] });
    await until(() => socket.of('next').length >= 2 && stream.events.length >= 2);
    const { transactionId, userId, merchantId, occurredAt } = paid;
    await api.ask('mutation ($input: LabelTransactionInput!) { labelTransaction(input: $input) { status } }', {
      input: { transactionId, userId, merchantId, occurredAt, fraud: true },
    });
    await api.ask('{ user(id: "") { riskProfile { id } } users(ids: ["u", "v"]) { riskProfile { id } } }');
    await api.ask('{');
    const told = await until(async () => {
      const scrape = await Scrape.of(api.url);
      return (
        scrape.has('nodejs_gc_duration_seconds_count') && scrape.has('nodejs_eventloop_lag_mean_seconds') && scrape
      );
    });
    socket.socket.terminate();
    stream.leave();
    return [told, await Scrape.of(away.url)];
  } finally {
    await Promise.all([api.stop(), away.stop()]);
    await nowhere.destroy();
  }
}

/** Else there may have been none yet. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  // Only those that come once somebody has asked are told.
  setTimeout(collect, 200);
  setTimeout(collect, 1_000);
}
