import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { hasApt, openApt } from './apt.ts';
import { type Environment, runProgram } from './program.ts';

export interface InstallOptions {
  /** An absolute path. Gets a folder `server` with `bin` and `lib`; nothing outside it is touched. */
  readonly folder: string;
  readonly environment: Environment;
  readonly report: (line: string) => void;
  /** Rejects when the `server` in the given folder does not run. */
  readonly check: (folder: string) => Promise<unknown>;
}

const workPrefix = 'installing-';

/**
 * Installs Valkey from the package mirror that the system itself uses (Debian, Ubuntu and kin), without root: packages
 * are unpacked into the folder, not installed. Only a server that runs is put in place, in one step.
 * Returns false where there is no apt.
 * @throws Error with apt's own words when the mirror cannot be reached or has no Valkey for this machine.
 */
export async function installFromDebianPackages(options: InstallOptions): Promise<boolean> {
  const { folder, environment, report, check } = options;
  if (!hasApt(environment)) return false;
  report(`Installing Valkey into ${folder} from the system's package mirror (about 10 MB, once)`);
  const begun = performance.now();
  mkdirSync(folder, { recursive: true });
  removeAbandonedWork(folder);
  const work = mkdtempSync(join(folder, workPrefix));
  const clear = (): void => rmSync(work, { recursive: true, force: true, maxRetries: 3 });
  process.once('exit', clear);
  try {
    const server = join(work, 'server');
    await download(work, server, environment);
    await check(work);
    await putInPlace(server, join(folder, 'server'), () => check(folder));
  } finally {
    process.off('exit', clear);
    clear();
  }
  report(`Installed Valkey (${((performance.now() - begun) / 1_000).toFixed(1)} s)`);
  return true;
}

/** Unpacks the server, and such libraries that it needs as the machine lacks, into `server`. */
async function download(work: string, server: string, environment: Environment): Promise<void> {
  const apt = await openApt(work, environment);
  const asked = new Set<string>();
  let wanted = ['valkey-server', 'valkey-tools'];
  for (;;) {
    for (const name of wanted) asked.add(name);
    const files = await apt.download(wanted);
    await unpack(files, server, work, environment);
    const missing = await missingLibraries(server, environment);
    if (missing.length === 0) return;
    const offered = (await dependencies(files, environment)).filter((name) => !asked.has(name));
    wanted = packagesFor(missing, offered);
    if (wanted.length === 0) throw new Error(`no package has the libraries that Valkey needs: ${missing.join(', ')}`);
  }
}

async function unpack(files: readonly string[], server: string, work: string, environment: Environment): Promise<void> {
  const unpacked = mkdtempSync(join(work, 'unpacked-'));
  for (const file of files) await runProgram('dpkg-deb', ['--extract', file, unpacked], { environment });
  const [programs, libraries] = [join(server, 'bin'), join(server, 'lib')];
  mkdirSync(programs, { recursive: true });
  mkdirSync(libraries, { recursive: true });
  for (const entry of readdirSync(unpacked, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory()) continue;
    const isLibrary = /\.so(\.\d+)*$/.test(entry.name);
    const isProgram = basename(entry.parentPath) === 'bin' && entry.name.startsWith('valkey-');
    if (isLibrary || isProgram) {
      renameSync(join(entry.parentPath, entry.name), join(isLibrary ? libraries : programs, entry.name));
    }
  }
}

/** What the loader would not find, such as `liblzf.so.1`. This is how `ldd` asks, which not every machine has. */
async function missingLibraries(server: string, environment: Environment): Promise<readonly string[]> {
  const text = await runProgram(join(server, 'bin', 'valkey-server'), [], {
    environment: { ...environment, LD_TRACE_LOADED_OBJECTS: '1', LD_LIBRARY_PATH: join(server, 'lib') },
  });
  return [...text.matchAll(/^\s*(\S+) => not found/gm)].map(([, name]) => name ?? '');
}

/** Which packages these packages depend on; of alternatives the first. */
async function dependencies(files: readonly string[], environment: Environment): Promise<readonly string[]> {
  const names = new Set<string>();
  for (const file of files) {
    const field = await runProgram('dpkg-deb', ['--field', file, 'Depends'], { environment });
    for (const [name] of field.matchAll(/(?<=^|,\s*)[a-z0-9][a-z0-9.+-]*/g)) names.add(name);
  }
  return [...names];
}

/** The packages that hold these libraries, going by their names; if none goes by its name, all that may. */
function packagesFor(missing: readonly string[], offered: readonly string[]): string[] {
  // Never the C library: one that does not fit the machine's loader crashes at once.
  const libraries = offered.filter((name) => name.startsWith('lib') && !/^libc\d/.test(name));
  const named = libraries.filter((name) =>
    missing.some((library) => name.startsWith(library.slice(0, library.indexOf('.so')).toLowerCase())),
  );
  return named.length > 0 ? named : libraries;
}

async function putInPlace(from: string, to: string, check: () => Promise<unknown>): Promise<void> {
  try {
    renameSync(from, to);
    return;
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
  // Either another start was quicker, or what lies there is broken.
  try {
    await check();
  } catch {
    renameSync(to, `${from}-replaced`);
    renameSync(from, to);
  }
}

/** An installation that was killed leaves its folder; one older than an hour is nobody's. */
function removeAbandonedWork(folder: string): void {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (name.startsWith(workPrefix) && Date.now() - statSync(path).mtimeMs > 3_600_000) {
      rmSync(path, { recursive: true, force: true });
    }
  }
}
