import { AsyncLocalStorage } from 'node:async_hooks';
import { type ExecutionResult, GraphQLError, parse } from 'graphql';
import { describe, expect, test } from 'vitest';
import { count, view } from '../../src/define/index.ts';
import {
  type Aside,
  PushedMessages,
  type Sender,
  subscribeToWatch,
  type TextOutlet,
  WatchMessages,
} from '../../src/graphql/index.ts';
import { Shown } from '../../src/graphql/selection.ts';
import { until } from '../support/until.ts';
import { account, newBuilder, transfer } from './deployments.ts';
import { freshId, Service } from './service.ts';

let executions = 0;

const counting = view('counting', {
  version: 1,
  entity: account,
  from: transfer,
  by: 'senderId',
  description: 'Counts how often it is shown, and breaks from the third transfer on.',
  features: { count1h: count({ window: '1h' }) },
  derived: {
    upToTwo: (f) => {
      executions += 1;
      if (f.count1h > 2) throw new Error('a secret');
      return f.count1h;
    },
  },
});

function deployment() {
  const builder = newBuilder();
  builder.entityType(account, { fields: (t) => ({ counting: t.featureView(counting) }) });
  builder.queryField('featureViews', (t) => t.featureViews());
  builder.mutationType({ description: 'Mutations.', fields: (t) => ({ recordTransfer: t.record(transfer) }) });
  builder.subscriptionType({
    description: 'Changes.',
    fields: (t) => ({ countingUpdated: t.featureUpdates(counting) }),
  });
  return builder.toSchema({ views: [counting] });
}

const figures = parse(
  'subscription ($ids: [ID!]!) { seen: countingUpdated(accountIds: $ids, minIntervalMs: 0) { cause account { id counting { count1h } } } }',
);
const breaking = parse(
  'subscription ($ids: [ID!]!) { seen: countingUpdated(accountIds: $ids, minIntervalMs: 0) { account { counting { upToTwo } } } }',
);

/** What is read for each message, and so made for each client. */
const surely = parse(
  'subscription ($ids: [ID!]!) { seen: countingUpdated(accountIds: $ids, minIntervalMs: 0) { account { counting { accuracy(features: [count1h]) { exact } } } } }',
);

/** A client that takes what is pushed to it when the test says so. */
class Client implements TextOutlet {
  readonly texts: string[] = [];
  isFull = false;
  readonly waiting = new Set<Sender>();
  #senders: Sender[] = [];

  whenFree(sender: Sender): void {
    this.waiting.add(sender);
    this.#senders.push(sender);
  }

  forget(sender: Sender): void {
    this.waiting.delete(sender);
  }

  push(text: string, sender: Sender): void {
    this.texts.push(text);
    this.#senders.push(sender);
  }

  take(): void {
    for (const sender of this.#senders.splice(0)) sender.goOn();
  }

  get shown(): unknown[] {
    return this.texts.map((text) => JSON.parse(text).data.seen);
  }
}

const request = new AsyncLocalStorage<string>();

/** Tells as whom it was asked to mask an error. */
const aside: Aside = {
  mask: () => new GraphQLError(`masked for ${request.getStore()}`),
  runAs: (requestId, work) => request.run(requestId, work),
};

async function watch(service: Service, ids: readonly string[], document = figures, isCutShort = () => false) {
  const args = { schema: service.schema, document, variableValues: { ids }, contextValue: service.context() };
  const shared = await subscribeToWatch(args, aside);
  if (!(shared instanceof WatchMessages)) throw new Error('it did not begin');
  const client = new Client();
  const messages = new PushedMessages(shared, client, isCutShort);
  let over = 0;
  messages.whenOver(() => over++);
  return { client, messages, over: () => over };
}

const open = () => Service.open(deployment(), [counting]);

const send = (service: Service, senderId: string) =>
  service.run(
    'mutation ($id: ID!, $from: ID!) { recordTransfer(input: { transferId: $id, senderId: $from, receiverId: "r", bankId: "b", sum: 1 }) { status } }',
    { id: freshId('transfer'), from: senderId },
  );

const update = (cause: string, id: string, count1h: number) => [{ cause, account: { id, counting: { count1h } } }];

describe('a subscription that pushes', () => {
  test('sends what iterating over it would bring, and sends nothing before somebody waits for the rest', async () => {
    const service = await open();
    const { client, messages } = await watch(service, ['a']);
    await send(service, 'a');
    // Whoever joins now has it read again: then the transfer has reached the others, too.
    await (await watch(service, ['a'])).messages.return();
    expect(client.texts).toEqual([]);
    void messages.next();
    client.take();
    await until(() => client.texts.length === 2);
    expect(client.texts[0]).toBe(JSON.stringify({ data: { seen: update('SNAPSHOT', 'a', 0) } }));
    expect(client.shown[1]).toEqual(update('EVENT', 'a', 1));
  });

  test('has one message under way, and then the newest in place of all that changed meanwhile', async () => {
    const service = await open();
    const { client, messages } = await watch(service, ['a', 'b']);
    void messages.next();
    for (let n = 0; n < 3; n++) await send(service, 'a');
    await send(service, 'b');
    const { messages: late } = await watch(service, ['a', 'b']);
    expect(client.texts).toHaveLength(1);
    client.take();
    expect(client.shown[1]).toEqual([...update('EVENT', 'a', 3), ...update('EVENT', 'b', 1)]);
    client.take();
    expect(client.texts).toHaveLength(2);
    await late.return();
  });

  test('makes nothing for a client for which much waits already, and the newest once it may', async () => {
    const service = await open();
    const { client, messages } = await watch(service, ['a']);
    client.isFull = true;
    void messages.next();
    for (let n = 0; n < 3; n++) await send(service, 'a');
    await (await watch(service, ['a'])).messages.return();
    expect(client.texts).toEqual([]);
    client.isFull = false;
    client.take();
    client.take();
    expect(client.shown).toEqual([update('SNAPSHOT', 'a', 0), update('EVENT', 'a', 3)]);
  });

  test('is executed once for all, whoever they are', async () => {
    const service = await open();
    const both = [await watch(service, ['a'], breaking), await watch(service, ['a'], breaking)];
    for (const { messages } of both) void messages.next();
    await until(() => both.every(({ client }) => client.texts.length === 1));
    executions = 0;
    for (const { client } of both) client.take();
    await send(service, 'a');
    await until(() => both.every(({ client }) => client.texts.length === 2));
    expect(executions).toBe(1);
    expect(both[0]?.client.texts).toEqual(both[1]?.client.texts);
  });

  test('leaves results with errors to whoever iterates, masked on behalf of its request, and goes on when asked again', async () => {
    const service = await open();
    for (let n = 0; n < 2; n++) await send(service, 'a');
    const { client, messages } = await watch(service, ['a'], breaking);
    const failed = messages.next();
    client.take();
    expect(client.shown).toEqual([[{ account: { counting: { upToTwo: 2 } } }]]);
    await send(service, 'a');
    const { value } = (await failed) as IteratorYieldResult<ExecutionResult>;
    expect(value.errors?.map(({ message }) => message)).toEqual(['masked for test']);
    await send(service, 'a');
    const next = (await messages.next()) as IteratorYieldResult<ExecutionResult>;
    expect(next.value.errors).toHaveLength(1);
    expect(client.texts).toHaveLength(1);
  });

  test('sends a snapshot that no other client has as text, too', async () => {
    const service = await open();
    const ids = Array.from({ length: 100 }, (_, i) => `a${i}`);
    const { client, messages } = await watch(service, ids);
    void messages.next();
    await until(() => client.texts.length === 1);
    expect(client.shown[0]).toEqual(ids.flatMap((id) => update('SNAPSHOT', id, 0)));
  });

  test('ends at once when it is returned, also in the middle of a message, and tells so once', async () => {
    const service = await open();
    for (const takes of [true, false]) {
      const { client, messages, over } = await watch(service, ['a']);
      const rest = messages.next();
      if (takes) client.take();
      await messages.return();
      await messages.return();
      expect(await rest).toEqual({ done: true, value: undefined });
      client.take();
      await send(service, 'a');
      expect([client.texts.length, over(), service.hub.load.subscriptions]).toEqual([1, 1, 0]);
    }
  });

  test('ends when there is nothing more to come, behind what was sent', async () => {
    const service = await open();
    const { client, messages, over } = await watch(service, ['a']);
    const rest = messages.next();
    service.hub.close();
    expect(over()).toBe(0);
    client.take();
    expect(await rest).toEqual({ done: true, value: undefined });
    expect(over()).toBe(1);
  });

  test('says of one vector why it comes to each client', async () => {
    const service = await open();
    const { client, messages } = await watch(service, ['a']);
    void messages.next();
    await send(service, 'a');
    client.take();
    await until(() => client.texts.length === 2);
    const late = await watch(service, ['a']);
    void late.messages.next();
    expect(client.shown[1]).toEqual(update('EVENT', 'a', 1));
    expect(late.client.shown).toEqual([update('SNAPSHOT', 'a', 1)]);
  });

  test('watches no more, and is over, when a message cannot be sent', async () => {
    const service = await open();
    for (const document of [figures, surely]) {
      const { client, messages, over } = await watch(service, ['a'], document);
      client.push = () => {
        throw new Error('broken');
      };
      await expect(messages.next()).rejects.toThrow('broken');
      expect([over(), service.hub.load.subscriptions]).toEqual([1, 0]);
    }
  });

  test('sends nothing that was made for it when it is returned meanwhile', async () => {
    const service = await open();
    const { client, messages } = await watch(service, ['a'], surely);
    const rest = messages.next();
    await messages.return();
    expect(await rest).toEqual({ done: true, value: undefined });
    // What another asks for later is read later.
    const other = await watch(service, ['a'], surely);
    void other.messages.next();
    await until(() => other.client.texts.length === 1);
    expect(client.texts).toEqual([]);
  });

  test('has its client forget it when it is returned while it waits for room', async () => {
    const service = await open();
    const { client, messages } = await watch(service, ['a']);
    client.isFull = true;
    void messages.next();
    expect(client.waiting.size).toBe(1);
    await messages.return();
    expect(client.waiting.size).toBe(0);
  });

  test('is over, but never says that it was all, where its client is to come back for the rest', async () => {
    const service = await open();
    const { client, messages, over } = await watch(service, ['a'], figures, () => true);
    let answered = false;
    void messages.next().then(() => {
      answered = true;
    });
    client.take();
    service.hub.close();
    await until(() => over() === 1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(answered).toBe(false);
    await messages.return();
    expect(over()).toBe(1);
  });
});

test('what is shown is written as JSON once', () => {
  let written = 0;
  const shown = new Shown({
    toJSON() {
      written++;
      return 'x';
    },
  });
  expect([shown.text, shown.text, written]).toEqual(['"x"', '"x"', 1]);
});
