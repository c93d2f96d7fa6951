import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type GraphQLSchema, print, type TypedQueryDocumentNode } from 'graphql';
import { pino } from 'pino';
import { inject } from 'vitest';
import { schema as deployedSchema, views as deployedViews } from '../../schema/index.ts';
import type { View } from '../../src/define/index.ts';
import type { Engine } from '../../src/engine/index.ts';
import { ApiServer, BackendKeeper, logSerializers } from '../../src/server/index.ts';
import { parseValkeyUrl } from '../../src/valkey/index.ts';

export interface ApiOptions {
  /** Default: the run's own server. */
  readonly valkeyUrl?: string;
  /** Default: one that nobody else has. */
  readonly keyPrefix?: string;
  readonly clock?: 'wall' | 'event';
  readonly schema?: GraphQLSchema;
  readonly views?: readonly View[];
  readonly bodyLimitBytes?: number;
  /** Default: any free one. */
  readonly port?: number;
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
  const keyPrefix = options.keyPrefix ?? newKeyPrefix();
  const lines: string[] = [];
  const log = pino({ level: 'trace', serializers: logSerializers }, { write: (line) => lines.push(line) });
  const backend = await BackendKeeper.start(
    { address: parseValkeyUrl(options.valkeyUrl ?? inject('valkeyUrl')), views, keyPrefix, clock, sweepMs: null, log },
    (error) => log.fatal({ err: error }, 'cannot be served'),
  );
  const server = await ApiServer.listen({
    schema,
    backend: () => backend.current(),
    health: () => backend.health(),
    log,
    host: '127.0.0.1',
    port: options.port ?? 0,
    ...(bodyLimitBytes !== undefined && { bodyLimitBytes }),
  });
  return new TestApi(server, backend, keyPrefix, lines);
}

/** A key prefix that nobody else has. */
export function newKeyPrefix(): string {
  return `test-${randomUUID()}`;
}

const main = new URL('../../src/main.ts', import.meta.url);
const endsWithParent = new URL('ends-with-parent.ts', import.meta.url).href;

/** An API as its users start it: `src/main.ts` in a process of its own. */
export class ApiProcess {
  readonly child: ChildProcess;
  /** What it has printed so far, to both outputs. */
  output = '';
  /** Its exit code, or the signal that ended it. */
  readonly exited: Promise<number | string>;
  readonly #listening: Promise<ApiClient>;

  constructor(env: { readonly [name: string]: string }) {
    const settings = /^(FRESHET_|PORT$|HOST$|VALKEY_URL$|LOG_LEVEL$)/;
    const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !settings.test(name)));
    // Its input ends with this process, however that ends, and it with its input.
    const args = ['--import', endsWithParent, fileURLToPath(main)];
    this.child = spawn(process.execPath, args, { env: { ...inherited, PORT: '0', ...env }, stdio: 'pipe' });
    this.exited = once(this.child, 'close').then(([code, signal]) => code ?? signal);
    this.#listening = new Promise((resolve, reject) => {
      for (const stream of [this.child.stdout, this.child.stderr]) {
        if (!stream) continue;
        createInterface(stream).on('line', (line) => {
          this.output += `${line}\n`;
          const url = /listens on (http\S+)\/graphql/.exec(line)?.[1];
          if (url) resolve(new ApiClient(url));
        });
      }
      void this.exited.then((code) => reject(new Error(`the API ended with ${code}:\n${this.output}`)));
    });
    this.#listening.catch(() => {});
  }

  /** Waits until it prints where it listens. */
  listening(): Promise<ApiClient> {
    return this.#listening;
  }

  /** Asks it to end, and waits until it has. */
  async stop(): Promise<void> {
    this.child.kill('SIGTERM');
    await this.exited;
  }
}
