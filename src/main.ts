import { type Logger, pino } from 'pino';
import pretty from 'pino-pretty';
import { type Config, isLoopback, readConfig } from './config.ts';
import { TrustedDocuments } from './graphql/index.ts';
import { ApiServer, BackendKeeper, logSerializers, shutDownOnSignal } from './server/index.ts';
import { exitCodeOf } from './signals.ts';
import { type EmbeddedValkey, endedError, parseValkeyUrl, startEmbeddedValkey } from './valkey/index.ts';

/** Says why the process cannot go on, in words for people, and sets its exit code. */
function fail(error: unknown): void {
  // Errors with a code are written for whoever runs this; of others, where they come from is what helps.
  const forPeople = error instanceof Error && 'code' in error;
  process.stderr.write(`${forPeople ? error.message : error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 1;
}

function createLog(level: Config['logLevel']): Logger {
  const options = { level, serializers: logSerializers };
  return process.stdout.isTTY ? pino(options, pretty({ sync: true })) : pino(options);
}

/** Says what whoever starts this waits for, at any log level; where lines are for machines, it is one of those. */
function createAnnouncer(log: Logger): (line: string) => void {
  if (process.stdout.isTTY) return (line) => void process.stdout.write(`${line}\n`);
  const always = log.child({}, { level: 'info' });
  return (line) => always.info(line);
}

async function run(config: Config): Promise<void> {
  const log = createLog(config.logLevel);
  const announce = createAnnouncer(log);
  if (!isLoopback(config.host)) {
    log.warn(`HOST is ${config.host}: anyone who can reach it may read and record, for there is no authentication yet`);
  }
  const { schema, views, clientDocuments } = await import('../schema/index.ts');

  let embedded: EmbeddedValkey | undefined;
  let backend: BackendKeeper | undefined;
  let server: ApiServer | undefined;
  let ending = false;
  const shutDown = shutDownOnSignal({
    log,
    exitCodeOf: (signal) => (server === undefined ? exitCodeOf(signal) : 0),
    steps: [
      () => {
        ending = true;
      },
      () => server?.drain(),
      () => backend?.endSubscriptions(),
      () => server?.close(),
      () => backend?.close(),
      () => embedded?.stop(),
    ],
    force: () => {
      server?.terminate();
      void embedded?.stop();
    },
  });
  try {
    if (!config.valkey) {
      embedded = await startEmbeddedValkey({
        dataDir: config.dataDir,
        persistent: true,
        report: announce,
      });
      void embedded.exited.then((exit) => {
        if (!ending) fail(endedError(exit));
        shutDown('the embedded Valkey has ended', 1);
      });
    }
    const documents = new TrustedDocuments(clientDocuments, { isExclusive: config.documents === 'trusted' });
    const { keyPrefix, clock, sweepMs, host, port } = config;
    const address = config.valkey ?? parseValkeyUrl((embedded as EmbeddedValkey).url);
    backend = await BackendKeeper.start({ address, views, keyPrefix, clock, sweepMs, log }, (error) => {
      fail(error);
      shutDown('it cannot be served from this Valkey', 1);
    });
    if (ending) return;
    const { current, health } = bound(backend);
    server = await ApiServer.listen({ schema, backend: current, health, log, host, port, documents });
    const { url } = server;
    announce(
      `Freshet listens on ${url}/graphql (GraphQL over HTTP, SSE and WebSocket; GraphiQL in a browser); the dashboard is at ${url}/`,
    );
  } catch (error) {
    if (ending) return;
    fail(error);
    shutDown('it could not start', 1);
  }
}

function bound(backend: BackendKeeper): Pick<BackendKeeper, 'current' | 'health'> {
  return { current: () => backend.current(), health: () => backend.health() };
}

try {
  await run(readConfig(process.env));
} catch (error) {
  fail(error);
}
