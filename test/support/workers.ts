import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { Agent, type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { identifyProcess } from '../../src/valkey/embedded/process-identity.ts';
import { ApiProcess } from './api.ts';
import { until } from './until.ts';

interface LogLine {
  readonly msg: string;
  readonly level: number;
  readonly worker?: number;
  readonly workerPid?: number;
  readonly requestId?: string;
  readonly signal?: string | null;
  readonly pauseMs?: number;
  readonly lost?: number;
}

/** An API of several workers, as its users start it. */
export class Workers {
  readonly process: ApiProcess;
  url = '';

  constructor(workers: number, settings: { readonly [name: string]: string }) {
    this.process = new ApiProcess({ WORKERS: String(workers), LOG_LEVEL: 'debug', ...settings });
  }

  /** Starts one and waits until it listens. */
  static async start(workers: number, settings: { readonly [name: string]: string }): Promise<Workers> {
    const started = new Workers(workers, settings);
    started.url = (await started.process.listening()).url;
    return started;
  }

  /** All that was logged so far, by whomever. */
  get log(): LogLine[] {
    return this.process.output.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line)] : []));
  }

  /** The processes that serve, or have served, at a worker's place, the newest last. */
  pidsOf(worker: number): number[] {
    const served = this.log.filter((line) => line.msg === `Worker ${worker} serves`);
    return served.flatMap(({ workerPid }) => workerPid ?? []);
  }

  /** Of all that have served. */
  get pids(): number[] {
    return this.log.flatMap(({ msg, workerPid }) => (/^Worker \d+ serves$/.test(msg) && workerPid ? [workerPid] : []));
  }

  /** A connection that is kept, to whichever worker is given it. */
  async connect(): Promise<WorkerConnection> {
    const connection = new WorkerConnection(this);
    const requestId = randomUUID();
    await connection.ask('GET', '/livez', { 'x-request-id': requestId });
    const line = await until(() => this.log.find((one) => one.requestId === requestId));
    connection.worker = line.worker ?? 0;
    return connection;
  }

  /** One to this worker: others are opened until there is one, also where some are broken by a worker that ends. */
  async connectTo(worker: number): Promise<WorkerConnection> {
    return until(async () => {
      const connection = await this.connect().catch(() => null);
      if (connection?.worker === worker) return connection;
      connection?.close();
      return null;
    });
  }
}

/** A connection to one of the workers, on which one request follows the other. */
export class WorkerConnection {
  worker = 0;
  readonly #service: Workers;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });

  constructor(service: Workers) {
    this.#service = service;
  }

  async ask(method: string, path: string, headers: OutgoingHttpHeaders = {}, body?: unknown) {
    const response = await this.open(method, path, headers, body);
    return { status: response.statusCode, headers: response.headers, text: await text(response) };
  }

  /** Asks, and returns when the head of the answer has come. */
  async open(method: string, path: string, headers: OutgoingHttpHeaders = {}, body?: unknown) {
    const json = body === undefined ? undefined : JSON.stringify(body);
    const asked = request(this.#service.url + path, {
      method,
      agent: this.#agent,
      headers: { ...(json && { 'content-type': 'application/json' }), ...headers },
    }).end(json);
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    return response;
  }

  /** What a query or mutation is answered. */
  async graphql(query: string, variables?: unknown): Promise<unknown> {
    const { text } = await this.ask('POST', '/graphql', {}, { query, variables });
    return JSON.parse(text);
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** Whether a process of this id is there, and has not ended. */
export function runs(pid: number): boolean {
  return identifyProcess(pid) !== null;
}
