import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { type Aggregation, count, distinct, type Entity, type View, view, type Where } from '../../src/define/index.ts';
import { Engine } from '../../src/engine/index.ts';
import { openServers, parseValkeyUrl, type ValkeyServer } from '../../src/valkey/index.ts';
import { account, bank, newBuilder, transfer } from './deployments.ts';
import { freshPrefix, Service } from './service.ts';

function transfers(
  name: string,
  version: number,
  of: Entity,
  features: { readonly [name: string]: Aggregation },
): View {
  const by = of === account ? 'senderId' : 'bankId';
  const definition = { version, entity: of, from: transfer, by, description: 'Transfers.' } as const;
  return view(name, { ...definition, features: features as { [name: string]: ReturnType<typeof count> } });
}

const large: Where = { sum: { gte: 100 } };
const sent30d = { sent30d: count({ window: '30d' }) };
const first = transfers('account_sent', 1, account, sent30d);
/** The same view, grown: its sets of last-seen times are in its second layout only. */
const grown = transfers('account_sent', 1, account, {
  ...sent30d,
  banks30d: distinct('bankId', { window: '30d' }),
  largeBanks30d: distinct('bankId', { window: '30d', where: large }),
});
const second = transfers('account_sent', 2, account, sent30d);
const habits = transfers('account_habits', 1, account, { banks7d: distinct('bankId', { window: '7d' }) });
const booked = transfers('bank_booked', 1, bank, { senders30d: distinct('senderId', { window: '30d' }) });

/** Room for several deployments under one key prefix. */
class Prefix {
  readonly #servers = openServers(parseValkeyUrl(inject('valkeyUrl')));
  readonly #keyPrefix = freshPrefix();

  constructor() {
    onTestFinished(() => this.#servers.close());
  }

  /** A deployment that only records; it may have several versions of a view. */
  recorder(views: readonly View[]): Promise<Engine> {
    return Engine.open({
      servers: this.#servers,
      views,
      keyPrefix: this.#keyPrefix,
      clock: 'event',
      singles: 2,
    });
  }

  /** A deployment with a schema, in which what it serves can be forgotten. */
  service(views: readonly View[]): Promise<Service> {
    const builder = newBuilder();
    const entities = [...new Set(views.map((one) => one.entity))];
    for (const subject of entities) {
      const own = views.filter((one) => one.entity === subject);
      builder.entityType(subject, {
        fields: (t) => Object.fromEntries(own.map((one, i) => [`view${i}`, t.featureView(one)])),
      });
    }
    builder.queryField('featureViews', (t) => t.featureViews());
    builder.mutationType({
      fields: (t) => Object.fromEntries(entities.map((subject) => [`forget${subject.name}`, t.forget(subject)])),
    });
    const schema = builder.toSchema({ views, sortSchema: false });
    return Service.open(schema, views, { keyPrefix: this.#keyPrefix, clock: 'event' });
  }

  /** The keys that hold something of entities of this id, by kind and view: `seen:v1:account_habits:bankId`. */
  async keysOf(id: string): Promise<string[]> {
    const found = new Set<string>();
    const [start, end] = [`${this.#keyPrefix}:`, `{${id}}`];
    await this.#servers.ready();
    for (const { valkey } of this.#servers.all) {
      for await (const keys of valkey.scanStream({ match: `${start}*${end}`, count: 1_000 })) {
        for (const key of keys) found.add(key.slice(start.length, -end.length - 1));
      }
    }
    return [...found].sort();
  }

  /** Makes the store forget those entries of the registry that begin so. */
  async loseEntries(start: string): Promise<void> {
    const registry = `${this.#keyPrefix}:registry`;
    await this.#servers.ready();
    const { valkey } = this.#servers.find(registry) as ValkeyServer;
    const lost = (await valkey.hkeys(registry)).filter((field) => field.startsWith(start));
    expect(lost).not.toEqual([]);
    await valkey.hdel(registry, ...lost);
  }
}

/** Records transfers after which every kind of key holds something. */
async function fill(engine: Engine, senderId: string, bankId: string): Promise<void> {
  const begin = Date.UTC(2025, 0, 1);
  const transferAt = (at: number) => ({
    transferId: `${senderId} ${at}`,
    senderId,
    receiverId: 'somebody',
    bankId: at < 15 ? `${bankId} of before` : bankId, // last seen by what is put together
    sum: 90 + at,
    bookedAt: begin + at,
  });
  await engine.record(transfer, [transferAt(0), transferAt(1)]);
  await engine.retract(transfer, ['sum'], transferAt(0));
  await engine.record(
    transfer,
    Array.from({ length: 20 }, (_, i) => transferAt(2 + i)),
  );
}

async function forget(service: Service, subject: Entity, id: string): Promise<unknown> {
  const field = `forget${subject.name}`;
  const { data, errors } = await service.run(`mutation ($id: ID!) { ${field}(id: $id) { status keys bytes } }`, { id });
  expect(errors).toBeUndefined();
  return data?.[field];
}

const forgotten = (keys: number) => ({ status: 'FORGOTTEN', keys, bytes: keys > 0 ? expect.any(Number) : 0 });

describe('forgetting under a deployment that serves some views of an entity', () => {
  test('removes what its others keep of it: other versions, layouts and views, and counts that', async () => {
    const prefix = new Prefix();
    await prefix.recorder([first]);
    await fill(await prefix.recorder([grown, second, habits, booked]), 'ada', 'bank');
    const kinds = await prefix.keysOf('ada');
    expect(kinds).toEqual(
      expect.arrayContaining([
        'corrections:v1:account_sent',
        'ids:v2:account_sent',
        'log:v2:account_sent',
        'seen:v1:account_habits:bankId',
        'seen:v1:account_sent:bankId',
        expect.stringMatching(/^seen:v1:account_sent:bankId~/),
        'v1:account_habits',
      ]),
    );
    const service = await prefix.service([second]);
    expect(await forget(service, account, 'ada')).toEqual(forgotten(kinds.length));
    expect(await prefix.keysOf('ada')).toEqual([]);
    expect(await forget(service, account, 'ada')).toEqual(forgotten(0));
    expect((await prefix.keysOf('bank')).length).toBeGreaterThan(0);
  });

  test('leaves another entity of the same id, and another account, as they are', async () => {
    const prefix = new Prefix();
    const engine = await prefix.recorder([first, booked]);
    await fill(engine, 'ada', 'ada');
    await fill(engine, 'bob', 'bank');
    const bob = await prefix.keysOf('bob');
    const service = await prefix.service([second]);
    await forget(service, account, 'ada');
    const left = await prefix.keysOf('ada');
    expect(left).toContain('log:v1:bank_booked');
    expect(left.every((kind) => kind.includes('v1:bank_booked'))).toBe(true);
    expect(await prefix.keysOf('bob')).toEqual(bob);
  });

  test('removes what it serves itself also where the registry was lost', async () => {
    const prefix = new Prefix();
    const service = await prefix.service([habits]);
    await fill(service.engine, 'ada', 'bank');
    const { length } = await prefix.keysOf('ada');
    await prefix.loseEntries('');
    expect(await forget(service, account, 'ada')).toEqual(forgotten(length));
    expect(await prefix.keysOf('ada')).toEqual([]);
  });

  test('does not touch a view of which it is not known whose it is, until that is served again', async () => {
    const prefix = new Prefix();
    await fill(await prefix.recorder([first]), 'ada', 'bank');
    await prefix.loseEntries('entity:');
    const service = await prefix.service([second]);
    expect(await forget(service, account, 'ada')).toEqual(forgotten(0));
    const { length } = await prefix.keysOf('ada');
    expect(length).toBeGreaterThan(0);
    await prefix.recorder([first]);
    expect(await forget(service, account, 'ada')).toEqual(forgotten(length));
  });
});
