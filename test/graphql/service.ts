import { randomUUID } from 'node:crypto';
import {
  type DocumentNode,
  type ExecutionResult,
  execute,
  type GraphQLSchema,
  parse,
  subscribe,
  type TypedQueryDocumentNode,
  validate,
} from 'graphql';
import { inject, onTestFinished } from 'vitest';
import { anyone } from '../../src/access/index.ts';
import type { View } from '../../src/define/index.ts';
import { Engine, type EngineOptions } from '../../src/engine/index.ts';
import { OperationVariants } from '../../src/graphql/compiled/operation-variants.ts';
import { Activity, type Ahead, createContext, type FreshetContext } from '../../src/graphql/index.ts';
import { Hub } from '../../src/live/index.ts';
import {
  type KeyspaceNews,
  openKeyspaceNews,
  openServers,
  parseValkeyUrl,
  type Servers,
  type ValkeyServer,
} from '../../src/valkey/index.ts';
import { goesShortWay } from '../support/way.ts';

/** What a document's execution results in, with whatever errors. */
export type Result<Data> = ExecutionResult<Data>;

type Variables = { readonly [name: string]: unknown };

export interface ServiceOptions extends Partial<Pick<EngineOptions, 'clock' | 'singles' | 'microsPerCall'>> {
  /** Default: the run's own server. */
  readonly valkeyUrl?: string;
  /** Default: one that nobody has used. */
  readonly keyPrefix?: string;
}

/** A schema at work on a key prefix of its own. */
export class Service {
  readonly schema: GraphQLSchema;
  readonly engine: Engine;
  readonly hub: Hub;
  readonly #servers: Servers;
  readonly #events: KeyspaceNews;

  private constructor(schema: GraphQLSchema, engine: Engine, hub: Hub, servers: Servers, events: KeyspaceNews) {
    this.schema = schema;
    this.engine = engine;
    this.hub = hub;
    this.#servers = servers;
    this.#events = events;
  }

  /** Opens it until the test is over. */
  static async open(schema: GraphQLSchema, views: readonly View[], options: ServiceOptions = {}): Promise<Service> {
    const service = await Service.openFor(schema, views, options);
    onTestFinished(() => service.close());
    return service;
  }

  /** Opens it until it is closed, for several tests. */
  static async openFor(schema: GraphQLSchema, views: readonly View[], options: ServiceOptions = {}): Promise<Service> {
    const { valkeyUrl = inject('valkeyUrl'), keyPrefix = freshPrefix(), clock = 'wall', ...limits } = options;
    const address = parseValkeyUrl(valkeyUrl);
    // A slow machine is no failure.
    const servers = openServers(address, { commandTimeoutMs: 20_000 });
    const engine = await Engine.open({ servers, views, keyPrefix, clock, ...limits });
    const events = await openKeyspaceNews(servers, address, keyPrefix);
    return new Service(schema, engine, new Hub({ engine, events }), servers, events);
  }

  close(): void {
    this.hub.close();
    this.#events.close();
    this.#servers.close();
  }

  /** Makes an entity's log such that its vector can no longer be read. */
  async spoil(view: View, id: string): Promise<void> {
    const log = this.engine.keys.log(view, id);
    await this.#servers.find(log)?.valkey.multi().del(log).rpush(log, 'nonsense').exec();
  }

  /** The store's now, which decides what is past. */
  async now(): Promise<number> {
    const [first] = this.#servers.all as [ValkeyServer];
    const [seconds, micros] = await first.valkey.time();
    return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
  }

  /** A field of an entity's served hash. */
  stored(view: View, id: string, field: string): Promise<string | null> {
    const key = this.engine.keys.hash(view, id);
    return this.#servers.ask(key, ({ valkey }) => valkey.hget(key, field));
  }

  /** Cuts it off from Valkey, for good. */
  cutOff(): void {
    this.#servers.close();
  }

  /** The context of one request. */
  context(ahead: Ahead | null = null): FreshetContext {
    return createContext({
      caller: anyone,
      engine: this.engine,
      hub: this.hub,
      activity: new Activity(),
      requestId: 'test',
      ahead,
    });
  }

  /** Executes a typed document, as one request. */
  run<Data, Given extends Variables>(
    document: TypedQueryDocumentNode<Data, Given>,
    variables: Given,
  ): Promise<Result<Data>>;
  /** Executes a document's text, as one request. */
  run(document: string, variables?: Variables): Promise<Result<{ [field: string]: unknown }>>;
  async run(source: string | TypedQueryDocumentNode, variableValues: Variables = {}): Promise<ExecutionResult> {
    const document = this.#parse(source);
    const ran = goesShortWay ? await this.#runCompiled(document, variableValues) : null;
    if (ran?.kind === 'written') return { data: JSON.parse(ran.data) };
    return execute({ schema: this.schema, document, variableValues, contextValue: this.context(ran?.ahead) });
  }

  async #runCompiled(document: DocumentNode, variables: Variables) {
    if (validate(this.schema, document).length > 0) return null;
    const operation = new OperationVariants(this.schema, document, null).for(variables);
    return (await operation?.run(variables, { caller: anyone, engine: this.engine, activity: new Activity() })) ?? null;
  }

  /** Begins a subscription; one that cannot begin is a result. */
  watch<Data, Given extends Variables>(
    document: TypedQueryDocumentNode<Data, Given>,
    variables: Given,
  ): Promise<AsyncGenerator<Result<Data>> | Result<Data>>;
  watch(
    document: string,
    variables?: Variables,
  ): Promise<AsyncGenerator<Result<{ [field: string]: unknown }>> | Result<{ [field: string]: unknown }>>;
  async watch(
    source: string | TypedQueryDocumentNode,
    variableValues: Variables = {},
  ): Promise<AsyncGenerator<ExecutionResult> | ExecutionResult> {
    const document = this.#parse(source);
    return (await subscribe({ schema: this.schema, document, variableValues, contextValue: this.context() })) as
      | AsyncGenerator<ExecutionResult>
      | ExecutionResult;
  }

  #parse(source: string | TypedQueryDocumentNode): DocumentNode {
    const document = typeof source === 'string' ? parse(source) : source;
    const [invalid] = validate(this.schema, document);
    if (invalid) throw invalid;
    return document;
  }
}

/** What an engine is asked to read from now on: the ids of each call, without repeats. */
export function readsOf(engine: Engine): (readonly [View, readonly string[]])[] {
  const reads: (readonly [View, readonly string[]])[] = [];
  for (const name of ['readEach', 'readPacked'] as const) {
    const read = engine[name] as (view: View, ids: readonly string[], ...rest: never[]) => never;
    engine[name] = (view: View, ids: readonly string[], ...rest: never[]) => {
      reads.push([view, [...new Set(ids)]]);
      return read.call(engine, view, ids, ...rest);
    };
  }
  return reads;
}

/** The stream of a subscription that has begun. */
export function streamOf<Data>(begun: AsyncGenerator<Result<Data>> | Result<Data>): AsyncGenerator<Result<Data>> {
  if (Symbol.asyncIterator in begun) return begun;
  throw begun.errors?.[0] ?? new Error('the subscription did not begin');
}

/** The next message of a stream. */
export async function nextOf<Data>(stream: AsyncGenerator<Result<Data>>): Promise<Result<Data>> {
  const { done, value } = await stream.next();
  if (done) throw new Error('the subscription has ended');
  return value;
}

/** What the errors of a result say to a program. */
export function faults({ errors }: ExecutionResult): { code: unknown; path: string | undefined }[] {
  return (errors ?? []).map(({ extensions, path }) => ({ code: extensions.code, path: path?.join('.') }));
}

/** A key prefix that nobody has used. */
export function freshPrefix(): string {
  return `t-${randomUUID().slice(0, 8)}`;
}

let nextId = 0;

/** An id that no other test uses. */
export function freshId(kind: string): string {
  return `${kind}_${nextId++}`;
}
