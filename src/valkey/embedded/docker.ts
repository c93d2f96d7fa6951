import { type Environment, findOnPath, runProgram } from './program.ts';

/** A server in a container, for machines that have Docker and no Valkey. */
export interface DockerImage {
  readonly kind: 'docker';
  /** The Docker client. */
  readonly command: string;
  readonly image: string;
  readonly version: string;
  readonly environment: Environment;
  /** As whom the server runs in the container, `uid:gid`, so that its files on our disk are ours. */
  readonly user: string;
}

export const valkeyImage = 'valkey/valkey:8.0';

/** Where the data directory is mounted. */
export const containerDataDirectory = '/data';

/** Port on which the server listens inside the container. */
export const containerPort = 6379;

/**
 * A Docker engine on this machine, with the image pulled. Null when there is no Docker client on the path.
 * @throws Error when the engine does not answer or is another machine's, or the image cannot be had.
 */
export async function findDocker(
  environment: Environment,
  report: (line: string) => void,
): Promise<DockerImage | null> {
  const command = findOnPath('docker', environment);
  if (command === null) return null;
  const host = environment.DOCKER_HOST ?? '';
  // A remote engine could neither mount our data directory nor publish on our loopback.
  if (host !== '' && !/^(unix|npipe):/.test(host)) throw new Error(`DOCKER_HOST (${host}) is not on this machine`);
  const security = await runProgram(command, ['info', '--format', '{{json .SecurityOptions}}'], {
    environment,
    timeoutMs: 5_000,
  });
  if (!(await hasImage(command, environment))) {
    report(`Pulling ${valkeyImage} with Docker`);
    await runProgram(command, ['pull', '--quiet', valkeyImage], { environment, timeoutMs: 300_000 });
  }
  return {
    kind: 'docker',
    command,
    image: valkeyImage,
    version: valkeyImage,
    environment,
    user: containerUser(security),
  };
}

async function hasImage(command: string, environment: Environment): Promise<boolean> {
  return runProgram(command, ['image', 'inspect', valkeyImage], { environment }).then(
    () => true,
    () => false,
  );
}

/** Root in a rootless engine's container is whoever runs the engine outside. */
function containerUser(security: string): string {
  const { getuid, getgid } = process;
  return security.includes('name=rootless') || !getuid || !getgid ? '0:0' : `${getuid()}:${getgid()}`;
}

/** `docker run` in the foreground, up to and with the name of the server: its options follow. */
export function dockerRunArguments(image: DockerImage, name: string, directory: string, port: number): string[] {
  return [
    'run',
    '--rm',
    `--name=${name}`,
    `--user=${image.user}`,
    // As a record of CSV, so that commas and quotes in the path mean themselves.
    `--mount=type=bind,"source=${directory.replaceAll('"', '""')}",target=${containerDataDirectory}`,
    `--publish=127.0.0.1:${port}:${containerPort}`,
    // Past the image's own start-up script, which would give our files to the image's user.
    '--entrypoint=valkey-server',
    image.image,
  ];
}

/** Ends a container for good. Its `docker run` cannot, once killed itself. */
export async function killContainer(image: DockerImage, name: string): Promise<void> {
  await runProgram(image.command, ['kill', name], { environment: image.environment }).catch(() => {
    // It was gone already.
  });
}
