import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { type GraphQLSchema, print, type TypedQueryDocumentNode } from 'graphql';
import { pino } from 'pino';
import { inject } from 'vitest';
import { schema as deployedSchema, views as deployedViews } from '../../schema/index.ts';
import type { Authenticator } from '../../src/access/index.ts';
import { ApiProcess as Program } from '../../src/api-process.ts';
import type { View } from '../../src/define/index.ts';
import type { Engine } from '../../src/engine/index.ts';
import type { TrustedDocuments } from '../../src/graphql/index.ts';
import type { GuardOptions } from '../../src/server/guard/guard-options.ts';
import { ApiServer, BackendKeeper, logSerializers } from '../../src/server/index.ts';
import type { WorkerPlace } from '../../src/server/sse/other-workers.ts';
import { type Acknowledgement, parseValkeyUrl } from '../../src/valkey/index.ts';
import type { ProcessState } from './tells-state.ts';
import { goesShortWay } from './way.ts';

const tellsStateModule = new URL('tells-state.ts', import.meta.url).href;

export interface ApiOptions {
  /** Default: the run's own server. */
  readonly valkeyUrl?: string;
  /** Default: one that nobody else has. */
  readonly keyPrefix?: string;
  readonly clock?: 'wall' | 'event';
  readonly schema?: GraphQLSchema;
  readonly views?: readonly View[];
  readonly bodyLimitBytes?: number;
  /** Default: none are known beforehand, and all are served. */
  readonly documents?: TrustedDocuments;
  /** After how many executions an operation is compiled; default: as the server has it. Infinity: never. */
  readonly hotAfter?: number;
  readonly guard?: GuardOptions;
  /** Default: any free one. */
  readonly port?: number;
  /** Default: an event is acknowledged once it is in memory. */
  readonly acknowledge?: Acknowledgement;
  /** Default: nobody is asked who they are. */
  readonly authenticator?: Authenticator;
  /** Default: it is served. */
  readonly introspection?: boolean;
  /** As if it were one of several workers. */
  readonly worker?: WorkerPlace;
}

/** What a GraphQL response over HTTP says. */
export interface Answer<Data> {
  readonly status: number;
  readonly headers: Headers;
  readonly data: Data | null | undefined;
  readonly errors: readonly AnsweredError[] | undefined;
}

export interface AnsweredError {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions: { readonly code?: string; readonly inputPath?: readonly (string | number)[] };
}

/** Talks to an API by its address, as any client does. */
export class ApiClient {
  /** Such as `http://127.0.0.1:40123`. */
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  get graphqlUrl(): string {
    return `${this.url}/graphql`;
  }

  get webSocketUrl(): string {
    return this.graphqlUrl.replace('http', 'ws');
  }

  /** Asks by POST, for `application/graphql-response+json`, whose status tells of request errors. */
  async ask<Data = { readonly [field: string]: unknown }, Variables = { readonly [name: string]: unknown }>(
    query: string | TypedQueryDocumentNode<Data, Variables>,
    variables?: Variables,
    headers: { readonly [name: string]: string } = {},
  ): Promise<Answer<Data>> {
    const response = await fetch(this.graphqlUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json', ...headers },
      body: JSON.stringify({ query: typeof query === 'string' ? query : print(query), variables }),
    });
    const { data, errors } = (await response.json()) as Pick<Answer<Data>, 'data' | 'errors'>;
    return { status: response.status, headers: response.headers, data, errors };
  }

  async get(path: string): Promise<{ readonly status: number; readonly body: unknown }> {
    const response = await fetch(this.url + path, { redirect: 'manual' });
    const text = await response.text();
    const json = response.headers.get('content-type')?.startsWith('application/json');
    return { status: response.status, body: json ? JSON.parse(text) : text };
  }
}

/** An API in this process. */
export class TestApi extends ApiClient {
  readonly keyPrefix: string;
  readonly server: ApiServer;
  readonly backend: BackendKeeper;
  /** What it logged, at every level, a JSON object a line. */
  readonly log: readonly string[];

  constructor(server: ApiServer, backend: BackendKeeper, keyPrefix: string, log: readonly string[]) {
    super(server.url);
    this.server = server;
    this.backend = backend;
    this.keyPrefix = keyPrefix;
    this.log = log;
  }

  get engine(): Engine {
    return this.backend.current().engine;
  }

  async stop(): Promise<void> {
    this.server.drain();
    this.backend.endSubscriptions();
    this.server.terminate();
    await this.server.close();
    this.backend.close();
  }

  /** Ends as at a SIGTERM: clients are let go in good order. */
  async leave(): Promise<void> {
    this.server.drain();
    this.backend.endSubscriptions();
    await this.server.close();
    this.backend.close();
  }
}

/** Starts an API in this process, by default on a port and under a prefix of its own. */
export async function startApi(options: ApiOptions = {}): Promise<TestApi> {
  const { schema = deployedSchema, views = deployedViews, clock = 'wall', bodyLimitBytes } = options;
  const hotAfter = options.hotAfter ?? (goesShortWay ? 1 : undefined);
  const keyPrefix = options.keyPrefix ?? newKeyPrefix();
  const lines: string[] = [];
  const log = pino({ level: 'trace', serializers: logSerializers }, { write: (line) => lines.push(line) });
  const backend = await BackendKeeper.start(
    {
      address: parseValkeyUrl(options.valkeyUrl ?? inject('valkeyUrl')),
      views,
      keyPrefix,
      clock,
      sweepMs: null,
      log,
      ...(options.acknowledge && { acknowledge: options.acknowledge }),
    },
    (error) => log.fatal({ err: error }, 'cannot be served'),
  );
  const server = await ApiServer.listen({
    schema,
    backend: () => backend.current(),
    rateStore: { functions: (code) => backend.functions(code), keyPrefix },
    health: () => backend.health(),
    store: backend,
    log,
    host: '127.0.0.1',
    port: options.port ?? 0,
    ...(bodyLimitBytes !== undefined && { bodyLimitBytes }),
    ...(options.authenticator && { authenticator: options.authenticator }),
    ...(options.introspection !== undefined && { introspection: options.introspection }),
    ...(options.guard && { guard: options.guard }),
    ...(options.worker && { worker: options.worker }),
    ...(options.documents && { documents: options.documents }),
    ...(hotAfter !== undefined && { hotAfter }),
  });
  return new TestApi(server, backend, keyPrefix, lines);
}

/** A key prefix that nobody else has. */
export function newKeyPrefix(): string {
  return `test-${randomUUID()}`;
}

/** An API as its users start it, on any free port unless told otherwise. */
export class ApiProcess {
  /** What it has printed so far, to both outputs. */
  output = '';
  readonly #program: Program;

  /** @param tellsState whether it can be asked for its `state`. @param program default: this repository's. */
  constructor(settings: { readonly [name: string]: string }, tellsState = false, program?: string) {
    this.#program = new Program({
      ...(program !== undefined && { program }),
      settings: { PORT: '0', ...settings },
      ...(tellsState && { nodeOptions: ['--expose-gc', '--import', tellsStateModule] }),
      onLine: (line) => {
        this.output += `${line}\n`;
      },
    });
  }

  get child(): ChildProcess {
    return this.#program.child;
  }

  /** Its exit code, or the signal that ended it. */
  get exited(): Promise<number | string> {
    return this.#program.exited;
  }

  /** What it holds, once its garbage is collected. */
  async state(): Promise<ProcessState> {
    return (await this.#program.answer('state')) as ProcessState;
  }

  /** Waits until it prints where it listens. */
  async listening(): Promise<ApiClient> {
    return new ApiClient((await this.#program.listening()).replace(/\/graphql$/, ''));
  }

  /** Asks it to end, and waits until it has. */
  stop(): Promise<void> {
    return this.#program.stop();
  }
}
