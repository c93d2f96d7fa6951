import { type Logger, pino } from 'pino';
import pretty from 'pino-pretty';
import { Authenticator, isLoopback } from './access/index.ts';
import type { ThisWorker } from './cluster/index.ts';
import { type Config, readConfig } from './config.ts';
import type { View } from './define/index.ts';
import { TrustedDocuments } from './graphql/index.ts';
import { tracer } from './measure/index.ts';
import {
  logSerializers,
  type MetricsPart,
  Service,
  type ServiceOptions,
  type Step,
  shutDownOnSignal,
  shutDownWhenTold,
  totalsOf,
  traceOfLine,
} from './server/index.ts';
import { exitCodeOf } from './signals.ts';
import {
  type EmbeddedValkey,
  endedError,
  parseValkeyUrl,
  startEmbeddedValkey,
  type ValkeyAddress,
} from './valkey/index.ts';

/** Errors with a code are written for whoever runs this; of others, where they come from is what helps. */
function inWords(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error ? error.message : (error.stack ?? error.message);
}

/** Says why the process cannot go on, in words for people, and sets its exit code. */
function fail(error: unknown): void {
  process.stderr.write(`${inWords(error)}\n`);
  process.exitCode = 1;
}

/** @param worker whose number each line carries; default: nobody's. */
function createLog(level: Config['logLevel'], worker?: number): Logger {
  const options = { level, serializers: logSerializers, mixin: traceOfLine };
  if (worker === undefined) return process.stdout.isTTY ? pino(options, pretty({ sync: true })) : pino(options);
  const lines = { sync: true, ignore: 'hostname,worker', messageFormat: `[worker ${worker}] {msg}` };
  return (process.stdout.isTTY ? pino(options, pretty(lines)) : pino(options)).child({ worker });
}

/** Says what whoever starts this waits for, at any log level; where lines are for machines, it is one of those. */
function createAnnouncer(log: Logger): (line: string) => void {
  if (process.stdout.isTTY) return (line) => void process.stdout.write(`${line}\n`);
  const always = log.child({}, { level: 'info' });
  return (line) => always.info(line);
}

/** What is behind the port: this process, or its workers. */
interface Serving {
  readonly listens: boolean;
  readonly endSteps: readonly Step[];
  readonly endDeadlineMs?: number;
  /** Whether it had to break something off when it ended. */
  readonly brokeOff?: boolean;
  terminate(): void;
}

/**
 * Starts it.
 * @param embeddedUrl of the embedded Valkey; null: the one that is configured.
 * @param onFailure told when it turns out later that it cannot serve.
 * @returns where it listens; null if it was ended meanwhile.
 */
type Start = (embeddedUrl: string | null, onFailure: (error: unknown) => void) => Promise<string | null>;

async function run(config: Config): Promise<void> {
  if (config.workers === 1) {
    const log = createLog(config.logLevel);
    const service = new Service({ endTracing: await beginTracing(config, log) });
    const options = await serviceOptions(config, log);
    return runWithValkey(config, log, service, (embeddedUrl, onFailure) =>
      service.start({ ...options, address: addressOf(config, embeddedUrl) }, onFailure),
    );
  }
  const { isWorker, Primary, ThisWorker } = await import('./cluster/index.ts');
  if (isWorker) return runAsWorker(config, await ThisWorker.join());
  const log = createLog(config.logLevel);
  const primary = new Primary({ ...config, log, totals: (parts) => totalsOf(parts as readonly MetricsPart[]) });
  return runWithValkey(config, log, primary, (embeddedUrl, onFailure) => primary.start(embeddedUrl, onFailure));
}

/** The process that was started: it answers for all that serves, and for an embedded Valkey. */
async function runWithValkey(config: Config, log: Logger, serving: Serving, start: Start): Promise<void> {
  const announce = createAnnouncer(log);
  if (!isLoopback(config.host) && config.access === null) {
    log.warn(`HOST is ${config.host}, and FRESHET_AUTH none: anyone who can reach it may do anything`);
  }
  let embedded: EmbeddedValkey | undefined;
  let ending = false;
  const shutDown = shutDownOnSignal({
    log,
    exitCodeOf: (signal) => (serving.listens ? 0 : exitCodeOf(signal)),
    steps: [
      () => {
        ending = true;
      },
      ...serving.endSteps,
      () => embedded?.stop(),
    ],
    force: () => {
      serving.terminate();
      void embedded?.stop();
    },
    othersBroke: () => serving.brokeOff === true,
    ...(serving.endDeadlineMs !== undefined && { deadlineMs: serving.endDeadlineMs }),
  });
  try {
    if (!config.valkey) {
      embedded = await startEmbeddedValkey({
        dataDir: config.dataDir,
        persistent: true,
        syncsAlways: config.acknowledge.kind === 'fsync',
        report: announce,
      });
      void embedded.exited.then((exit) => {
        if (!ending) fail(endedError(exit));
        shutDown('the embedded Valkey has ended', 1);
      });
    }
    if (ending) return;
    const url = await start(embedded?.url ?? null, (error) => {
      fail(error);
      shutDown('it cannot be served from this Valkey', 1);
    });
    if (url === null) return;
    announce(
      `Freshet listens on ${url}/graphql (GraphQL over HTTP, SSE and WebSocket; GraphiQL in a browser); the dashboard is at ${url}/`,
    );
  } catch (error) {
    if (ending) return;
    fail(error);
    shutDown('it could not start', 1);
  }
}

/** One of several processes that share the port, which the one that was started has forked. */
async function runAsWorker(config: Config, worker: ThisWorker): Promise<void> {
  const { task } = worker;
  const log = createLog(config.logLevel, task.number);
  const service = new Service({ endTracing: await beginTracing(config, log) });
  const shutDown = shutDownWhenTold({ log, steps: service.endSteps, force: () => service.terminate() });
  void worker.ending.then(({ reason, exitCode }) => shutDown(reason, exitCode));
  const giveUp = (reason: string) => async (error: unknown) => {
    await worker.failed(inWords(error));
    shutDown(reason, 1);
  };
  try {
    const options: ServiceOptions = {
      ...(await serviceOptions({ ...config, port: task.port }, log)),
      address: addressOf(config, task.valkeyUrl),
      worker: { id: worker.id, sockets: task.sockets },
      shareActivity: (take) => worker.shareActivity(take),
      shareMetrics: (give) => worker.shareMetrics(give),
      staff: () => worker.staff,
      warnings: () => worker.warnings(),
    };
    const url = await service.start(options, giveUp('it cannot be served from this Valkey'));
    if (url !== null) worker.listening(url);
  } catch (error) {
    await giveUp('it could not start')(error);
  }
}

/** Records traces, if the environment says where to send them; else nothing of what does that is loaded. @returns how to end it. */
async function beginTracing(config: Config, log: Logger): Promise<() => Promise<void>> {
  if (!config.traces) return async () => {};
  const { startTracing } = await import('./tracing/index.ts');
  const { tracing, end } = startTracing({
    onTurn: (problem) =>
      problem === null ? log.info('Traces are sent again') : log.warn({ problem }, 'Traces cannot be sent'),
  });
  tracer.current = tracing;
  return end;
}

async function serviceOptions(config: Config, log: Logger): Promise<Omit<ServiceOptions, 'address'>> {
  const { keyPrefix, clock, sweepMs, acknowledge, host, port, introspection, guard } = config;
  const { schema, views, clientDocuments } = await import('../schema/index.ts');
  const documents = new TrustedDocuments(clientDocuments, { isExclusive: config.documents === 'trusted' });
  const authenticator = createAuthenticator(config, views, log);
  return {
    ...{ schema, views, documents, keyPrefix, clock, sweepMs, acknowledge },
    ...{ log, host, port, introspection, authenticator, guard },
  };
}

/** Undefined: nobody is asked who they are. */
function createAuthenticator({ access }: Config, views: readonly View[], log: Logger): Authenticator | undefined {
  if (access === null) return undefined;
  const report = (file: string, problem: unknown) => {
    if (problem === null) log.info({ file }, 'Took the new version of a file of keys');
    else log.error({ file, err: problem }, 'A new version of a file of keys cannot be used: the one before it stays');
  };
  const names = new Set(views.flatMap(({ name, entity }) => [name, entity.name]));
  const onStranger = (key: string, name: string) =>
    log.warn(
      { key, name },
      'A scope of this key is for neither an entity nor a view that is served: it allows nothing',
    );
  return new Authenticator({ ...access, report, served: { names, onStranger } });
}

/** @param embeddedUrl of the embedded Valkey; null where another is configured. */
function addressOf({ valkey }: Config, embeddedUrl: string | null): ValkeyAddress {
  return valkey ?? parseValkeyUrl(embeddedUrl as string);
}

try {
  await run(readConfig(process.env));
} catch (error) {
  fail(error);
}
