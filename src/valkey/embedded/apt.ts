import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Environment, findOnPath, runProgram } from './program.ts';

/** An apt that reads the system's mirrors and keys, and writes to a folder of its own only. Needs no root. */
export interface Apt {
  /** Downloads packages and returns the paths of all package files downloaded so far. Throws with apt's own words. */
  download(packages: readonly string[]): Promise<readonly string[]>;
}

/** Whether this is a machine on which `openApt` can do anything. */
export function hasApt(environment: Environment): boolean {
  return ['apt-get', 'dpkg', 'dpkg-deb'].every((tool) => findOnPath(tool, environment) !== null);
}

/**
 * Sets up an apt in `folder` (an absolute path) that sees the distribution's own archive as this machine reaches it, its
 * backports, and nothing else: other sources may be slow or broken, and are not wanted.
 * @throws Error when the machine has no mirror of Debian or Ubuntu.
 */
export async function openApt(folder: string, outer: Environment): Promise<Apt> {
  // apt translates what it says; we look for words in it.
  const environment: Environment = { ...outer, LC_ALL: 'C' };
  const packages = join(folder, 'packages');
  for (const each of ['state/lists/partial', 'cache/archives/partial', 'no-parts', 'packages']) {
    mkdirSync(join(folder, each), { recursive: true });
  }
  writeFileSync(join(folder, 'state', 'status'), '');
  const sources = join(folder, 'sources.list');
  writeFileSync(sources, sourcesList(await readMirrors(folder, environment)));
  const configuration = writeConfiguration(folder, 'own-sources.conf', sources);
  const updating = await update(configuration, environment);
  return {
    async download(names) {
      try {
        await runProgram('apt-get', ['-qq', '--config-file', configuration, 'download', ...names], {
          environment,
          folder: packages,
          timeoutMs: 120_000,
        });
      } catch (error) {
        // What went wrong before is likely the cause, and else unsaid.
        throw updating === null ? error : new Error(`${(error as Error).message}\n${updating.message}`);
      }
      return readdirSync(packages).map((name) => join(packages, name));
    },
  };
}

/** A source as apt names it. */
interface Mirror {
  readonly uri: string;
  readonly release: string;
  readonly component: string;
  /** `Debian` or `Ubuntu`. */
  readonly origin: string;
  readonly architecture: string;
}

async function readMirrors(folder: string, environment: Environment): Promise<readonly Mirror[]> {
  const known = await listMirrors([], environment);
  if (known.length > 0) return known;
  // apt lists only what it has fetched, which on a slim image is nothing: so have it fetch, to our folder.
  const configuration = writeConfiguration(folder, 'system-sources.conf', null);
  const updating = await update(configuration, environment);
  const fetched = await listMirrors(['--config-file', configuration], environment);
  if (fetched.length > 0) return fetched;
  throw new Error(`apt knows no mirror of Debian or Ubuntu${updating === null ? '' : `: ${updating.message}`}`);
}

async function listMirrors(options: readonly string[], environment: Environment): Promise<readonly Mirror[]> {
  const native = (await runProgram('dpkg', ['--print-architecture'], { environment })).trim();
  const format = ['REPO_URI', 'RELEASE', 'COMPONENT', 'ORIGIN', 'ARCHITECTURE'].map((name) => `$(${name})`).join('\t');
  const text = await runProgram('apt-get', [...options, 'indextargets', '--format', format, 'Created-By: Packages'], {
    environment,
  });
  const mirrors: Mirror[] = [];
  for (const line of text.split('\n')) {
    const [uri = '', release = '', component = '', origin = '', architecture = ''] = line.split('\t');
    if (architecture !== native || !['Debian', 'Ubuntu'].includes(origin)) continue;
    if (['main', 'universe'].includes(component)) mirrors.push({ uri, release, component, origin, architecture });
  }
  return mirrors;
}

function sourcesList(mirrors: readonly Mirror[]): string {
  const lines = new Set<string>();
  for (const { uri, release, component, origin, architecture } of mirrors) {
    // apt does not tell with which key it checked a source; the archive's own lies here on every release.
    const keyring = `/usr/share/keyrings/${origin.toLowerCase()}-archive-keyring.gpg`;
    const signedBy = existsSync(keyring) ? ` signed-by=${keyring}` : '';
    // Only the packages: apt would else fetch translations and more.
    const line = (suite: string): string =>
      `deb [arch=${architecture} target=Packages${signedBy}] ${uri} ${suite} ${component}`;
    lines.add(line(release));
    // `bookworm` has backports; `bookworm-updates` and its kin have not.
    if (!release.includes('-')) lines.add(line(`${release}-backports`));
  }
  return `${[...lines].join('\n')}\n`;
}

/** What an update complained of, or null. Not fatal: a release without backports makes it complain. */
async function update(configuration: string, environment: Environment): Promise<Error | null> {
  return runProgram('apt-get', ['-qq', '--config-file', configuration, 'update'], {
    environment,
    timeoutMs: 180_000,
  }).then(
    () => null,
    (error: Error) => error,
  );
}

/** Writes a configuration that apt reads on top of the system's. Without `sources`, the system's own are used. */
function writeConfiguration(folder: string, name: string, sources: string | null): string {
  const path = join(folder, name);
  const own = (key: string, value: string): string => `${key} "${value}";`;
  const lines = [
    own('Dir::State', join(folder, 'state')),
    own('Dir::State::lists', join(folder, 'state', 'lists')),
    // Nothing counts as installed, so what is offered does not depend on what the machine has.
    own('Dir::State::status', join(folder, 'state', 'status')),
    own('Dir::Cache', join(folder, 'cache')),
    // As root, apt would download as a user who may not be able to reach this folder.
    own('APT::Sandbox::User', 'root'),
    own('Acquire::http::Timeout', '20'),
    own('Acquire::https::Timeout', '20'),
    // Hooks are the system's, for its own lists.
    '#clear APT::Update::Pre-Invoke;',
    '#clear APT::Update::Post-Invoke;',
    '#clear APT::Update::Post-Invoke-Success;',
  ];
  if (sources !== null) {
    lines.push(
      own('Dir::Etc::sourcelist', sources),
      own('Dir::Etc::sourceparts', join(folder, 'no-parts')),
      own('Dir::Etc::preferences', join(folder, 'no-preferences')),
      own('Dir::Etc::preferencesparts', join(folder, 'no-parts')),
    );
  }
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}
