import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installFromDebianPackages } from './debian-packages.ts';
import { type DockerImage, findDocker } from './docker.ts';
import { EmbeddedValkeyError, reasonOf } from './embedded-valkey-error.ts';
import { type Environment, findOnPath, isExecutable, runProgram } from './program.ts';

/** A `valkey-server`, or a `redis-server` that does as well. */
export interface ServerProgram {
  readonly kind: 'program';
  readonly command: string;
  /** Such as `Valkey 8.0.1`. */
  readonly version: string;
  /** What it must be started with. */
  readonly environment: Environment;
}

/** Something that an embedded Valkey can be run with. */
export type ServerBinary = ServerProgram | DockerImage;

export interface SearchOptions {
  /** Called with each thing that is done and takes time, as a line for people. */
  readonly report: (line: string) => void;
  /** Default `process.env`. */
  readonly environment?: Environment;
  /** The folder into which Valkey is installed when the machine has none; default `.valkey` in the project's root. */
  readonly installFolder?: string;
}

const projectRoot = fileURLToPath(new URL('../../../', import.meta.url));

/** Functions, on which the engine is built, came with Redis 7. */
const oldestRedis = 7;

/**
 * Finds a server: on the path, in the project's own folder, from the system's package mirror into that folder, or in
 * Docker, in this order.
 * @throws EmbeddedValkeyError VALKEY_NOT_FOUND, which says why each of them failed and what to install.
 */
export async function findServer(options: SearchOptions): Promise<ServerBinary> {
  const { report, environment = process.env, installFolder = join(projectRoot, '.valkey') } = options;
  const reasons: string[] = [];
  const attempt = async (what: string, search: () => Promise<ServerBinary | null>): Promise<ServerBinary | null> => {
    try {
      return await search();
    } catch (error) {
      const reason = `${what}: ${reasonOf(error)}`;
      report(reason);
      reasons.push(reason);
      return null;
    }
  };
  const found =
    (await attempt('valkey-server on the path', () => fromPath('valkey-server', environment))) ??
    (await attempt('redis-server on the path', () => fromPath('redis-server', environment))) ??
    (await attempt(`valkey-server in ${installFolder}`, () => installed(installFolder, environment))) ??
    (await attempt('Debian packages', () => install(installFolder, environment, report))) ??
    (await attempt('Docker', () => findDocker(environment, report)));
  if (found !== null) return found;
  throw new EmbeddedValkeyError('VALKEY_NOT_FOUND', notFoundMessage(reasons));
}

async function fromPath(name: string, environment: Environment): Promise<ServerProgram | null> {
  const command = findOnPath(name, environment);
  return command === null ? null : inspect(command, environment);
}

async function install(
  installFolder: string,
  environment: Environment,
  report: (line: string) => void,
): Promise<ServerProgram | null> {
  const done = await installFromDebianPackages({
    folder: installFolder,
    environment,
    report,
    check: async (folder) => {
      const program = await installed(folder, environment);
      if (program === null) throw new Error('the packages hold no valkey-server');
    },
  });
  return done ? installed(installFolder, environment) : null;
}

/** The server in a folder that holds `server/bin` and `server/lib`; null when there is none. */
async function installed(folder: string, environment: Environment): Promise<ServerProgram | null> {
  const command = join(folder, 'server', 'bin', 'valkey-server');
  if (!isExecutable(command)) return null;
  const libraries = join(dirname(dirname(command)), 'lib');
  const outer = environment.LD_LIBRARY_PATH;
  return inspect(command, { ...environment, LD_LIBRARY_PATH: outer ? `${libraries}:${outer}` : libraries });
}

/** @throws Error when it does not run here, or is too old. */
async function inspect(command: string, environment: Environment): Promise<ServerProgram> {
  const words = await runProgram(command, ['--version'], { environment });
  const [, name, version] = /^(Valkey|Redis) server v=([\d.]+)/.exec(words) ?? [];
  if (name === undefined || version === undefined) throw new Error(`${command} is neither Valkey nor Redis: ${words}`);
  if (name === 'Redis' && Number.parseInt(version, 10) < oldestRedis) {
    throw new Error(`${command} is Redis ${version}; Redis ${oldestRedis} or newer would serve`);
  }
  return { kind: 'program', command, version: `${name} ${version}`, environment };
}

function notFoundMessage(reasons: readonly string[]): string {
  return [
    'Freshet needs a Valkey: none was found on this machine, and none could be installed.',
    ...reasons.map((reason) => `  - tried ${reason}`),
    'Set VALKEY_URL to one that runs elsewhere, or install one and start again:',
    '  Debian 13 or newer, Ubuntu 24.04 or newer:  sudo apt-get install valkey-server',
    '  Debian 12:                                  sudo apt-get install redis-server',
    '  Fedora:                                     sudo dnf install valkey',
    '  macOS:                                      brew install valkey',
    '  anything else: Docker, or valkey-server (redis-server 7 or newer) on the path',
  ].join('\n');
}
