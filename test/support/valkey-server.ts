import { request } from 'node:http';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startEmbeddedValkey } from '../../src/valkey/embedded/server.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The Valkey that all tests of a run share, such as `valkey://127.0.0.1:40123`; each file takes a key prefix of its own. */
    valkeyUrl: string;
  }
}

/** A server and how to be rid of it. */
interface TestServer {
  readonly url: string;
  /** For the log: what it is. */
  readonly what: string;
  stop(): Promise<void>;
}

const image = 'valkey/valkey:8.0';

/** Vitest's global set-up: one real Valkey a run, from `VALKEY_URL`, else Testcontainers, else embedded; with `TEST_STORE=cluster`, six. */
export default async function provideValkey(project: TestProject): Promise<() => Promise<void>> {
  const isCluster = process.env.TEST_STORE === 'cluster';
  const server = isCluster ? await cluster() : (givenServer() ?? (await containerServer()) ?? (await embeddedServer()));
  say(`Testing against ${server.what} at ${server.url}`);
  project.provide('valkeyUrl', server.url);
  return () => server.stop();
}

function givenServer(): TestServer | null {
  const url = process.env.VALKEY_URL?.trim();
  return url ? { url, what: 'VALKEY_URL', stop: async () => {} } : null;
}

async function containerServer(): Promise<TestServer | null> {
  if (!(await dockerAnswers())) return null;
  try {
    // Imported only here: loading it takes longer than many a test.
    const { ValkeyContainer } = await import('@testcontainers/valkey');
    const container = await new ValkeyContainer(image).start();
    return {
      url: `valkey://${container.getHost()}:${container.getPort()}`,
      what: `Testcontainers' ${image}`,
      stop: async () => void (await container.stop()),
    };
  } catch (error) {
    say(`Testcontainers could not start ${image}: ${error instanceof Error ? error.message : String(error)}`);
    return null;
  }
}

async function cluster(): Promise<TestServer> {
  const { ValkeyCluster } = await import('./valkey-cluster.ts');
  const started = await ValkeyCluster.start();
  return { url: started.url, what: `a cluster of ${started.nodes.length}`, stop: () => started.destroy() };
}

async function embeddedServer(): Promise<TestServer> {
  const server = await startEmbeddedValkey({ persistent: false, report: say });
  return { url: server.url, what: `an embedded ${server.version}`, stop: () => server.stop() };
}

/** Whether a Docker engine answers at once, where Testcontainers would look for one. */
async function dockerAnswers(): Promise<boolean> {
  const { DOCKER_HOST, XDG_RUNTIME_DIR } = process.env;
  if (DOCKER_HOST) return pings(DOCKER_HOST);
  const sockets = ['/var/run/docker.sock', join(homedir(), '.docker/run/docker.sock')];
  if (XDG_RUNTIME_DIR) sockets.push(join(XDG_RUNTIME_DIR, 'docker.sock'));
  const answers = await Promise.all(sockets.map((path) => pings(`unix://${path}`)));
  return answers.includes(true);
}

function pings(host: string): Promise<boolean> {
  const address = new URL(host);
  // TLS and SSH take more than a ping to find out; whoever set them up means them to be used.
  if (address.protocol === 'ssh:' || process.env.DOCKER_TLS_VERIFY) return Promise.resolve(true);
  const target =
    address.protocol === 'unix:'
      ? { socketPath: address.pathname }
      : { host: address.hostname, port: address.port || 2375 };
  return new Promise((resolve) => {
    const ping = request({ ...target, path: '/_ping', timeout: 2_000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    ping.on('timeout', () => ping.destroy());
    ping.on('error', () => resolve(false));
    ping.end();
  });
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
