// Makes a clone ready to run: installs the npm packages of package-lock.json where they are missing or others, and checks
// that the `node` which runs next is new enough. Silent and quick when there is nothing to do. It runs before anything
// is installed: plain JavaScript for Node 20, with nothing but Node's own modules.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const neededNode = 24;

const root = fileURLToPath(new URL('..', import.meta.url));
const modules = join(root, 'node_modules');
const programs = join(modules, '.bin');
const marker = join(modules, '.freshet-installed');
// Not in node_modules, which npm deletes; nor in a folder of everyone's, where it may be another user's.
const lock = join(root, '.preparing');
const lockTouchedMs = 1_000;
const lockStaleMs = 10_000;

/** An error whose message is all that the user needs. */
class PrepareError extends Error {}

try {
  if (!isInstalled()) await alone(install);
  await checkNode();
} catch (error) {
  process.stderr.write(`${error instanceof PrepareError ? error.message : error.stack}\n`);
  process.exitCode = 1;
}

function isInstalled() {
  if (fs.existsSync(marker) && fs.readFileSync(marker, 'utf8') === wantedMarker()) return true;
  if (!isInstalledByHand()) return false;
  fs.writeFileSync(marker, wantedMarker());
  return true;
}

/** Whether npm, run by the user, has installed what package-lock.json says: it notes down what it installed. */
function isInstalledByHand() {
  const note = join(modules, '.package-lock.json');
  if (!fs.existsSync(note)) return false;
  const wanted = readPackages(join(root, 'package-lock.json'));
  const installed = readPackages(note);
  const right = (name) =>
    wanted[name]?.version === installed[name].version &&
    wanted[name].integrity === installed[name].integrity &&
    isFor(wanted[name].os, process.platform) &&
    isFor(wanted[name].cpu, process.arch);
  // Those for other platforms are optional and missing.
  const complete = Object.keys(wanted).every((name) => name === '' || name in installed || wanted[name].optional);
  return complete && Object.keys(installed).every(right);
}

/** Whether a package's list of systems or processors, which may exclude some by a `!`, has this one. */
function isFor(list = [], own) {
  return list.length === 0 || list.includes(own) || list.some((each) => each.startsWith('!') && each !== `!${own}`);
}

function readPackages(lockFile) {
  return JSON.parse(fs.readFileSync(lockFile, 'utf8')).packages ?? {};
}

/** What the marker says after a whole installation; with the platform, by which packages that hold programs differ. */
function wantedMarker() {
  return `${sha256(fs.readFileSync(join(root, 'package-lock.json')))} ${process.platform} ${process.arch}\n`;
}

async function install() {
  if (isInstalled()) return;
  process.stderr.write('Installing the npm packages of package-lock.json into node_modules\n');
  const installed = wantedMarker();
  // The Node in node_modules is about to be deleted, so npm runs on another where there is one.
  const path = searchPath().filter((folder) => folder !== programs);
  const npm = findProgram('npm', path);
  const npmScript = process.env.npm_execpath ?? '';
  if (npm === null && !npmScript.endsWith('npm-cli.js')) {
    throw new PrepareError('There is no npm on the path to install the packages with. Install Node.js with npm.');
  }
  const command = npm === null ? [process.execPath, npmScript] : [npm];
  // The tests need what NODE_ENV=production would leave out, and one of the optional packages is Node itself.
  const options = ['--include=dev', '--include=optional', '--no-audit', '--no-fund'];
  const { status, output } = await run([...command, 'ci', ...options], { PATH: path.join(delimiter) });
  if (status !== 0) {
    // Which Node npm itself runs on is of no matter, and would fill pages.
    const words = output.replace(/^npm warn EBADENGINE.*\n/gm, '').trim();
    const registry = (
      await run([...command, 'config', 'get', 'registry'], { PATH: path.join(delimiter) })
    ).output.trim();
    throw new PrepareError(
      [
        words,
        'The npm packages could not be installed; what npm says is above.',
        `They come from ${registry}. If this machine cannot reach it, name a registry that it can by`,
        '`npm config set registry URL`, or a proxy by `npm config set https-proxy URL`, and start again.',
      ].join('\n'),
    );
  }
  // The packaged Node needs glibc; where it cannot run it must not hide the user's own.
  const packagedNode = join(programs, 'node');
  if (fs.existsSync(packagedNode) && (await versionOf(packagedNode)) === null) fs.rmSync(packagedNode);
  fs.writeFileSync(marker, installed);
}

async function checkNode() {
  const node = findProgram('node', searchPath());
  const version = node === null ? null : await versionOf(node);
  if (version !== null && Number.parseInt(version, 10) >= neededNode) return;
  const found = node === null ? 'there is none on the path' : `${node} is ${version ?? 'one that does not run here'}`;
  throw new PrepareError(
    [
      `Freshet needs Node ${neededNode} or newer; ${found}.`,
      'On Linux with glibc (x64, arm64) it comes with the npm packages: use `npm start`, `npm test` and the like, and do not omit',
      'optional packages. Elsewhere install it, for instance:',
      `  macOS:      brew install node@${neededNode}`,
      `  any system: nvm install ${neededNode}, or https://nodejs.org/en/download`,
    ].join('\n'),
  );
}

/** Such as `24.21.0`; null when the program does not run. */
async function versionOf(node) {
  if (fs.realpathSync(node) === fs.realpathSync(process.execPath)) return process.versions.node;
  const { status, output } = await run([node, '--version'], {});
  return status === 0 ? output.trim().replace(/^v/, '') : null;
}

function searchPath() {
  return (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
}

function findProgram(name, path) {
  for (const folder of path) {
    const candidate = join(folder, name);
    try {
      fs.accessSync(candidate, fs.constants.X_OK);
      if (fs.statSync(candidate).isFile()) return candidate;
    } catch {
      // Not in this folder.
    }
  }
  return null;
}

/** Runs a program to its end; `output` is all it printed. It dies with us. */
function run([command, ...args], environment) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const end = () => child.kill('SIGKILL');
    process.once('exit', end);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output += text;
      });
    }
    const settle = (status, words) => {
      process.off('exit', end);
      resolve({ status, output: words });
    };
    child.once('error', (error) => settle(null, error.message));
    child.once('close', (status) => settle(status, output));
  });
}

/**
 * Does the work while no other process does it for the same clone. The lock is a folder which its owner touches every
 * second, so one that was killed is known by its age.
 */
async function alone(work) {
  let waiting = false;
  while (!tryToLock()) {
    if (!waiting) process.stderr.write('Waiting for another installation of the npm packages to finish\n');
    waiting = true;
    await delay(100);
  }
  const release = () => fs.rmSync(lock, { recursive: true, force: true });
  process.once('exit', release);
  for (const [signal, number] of [
    ['SIGHUP', 1],
    ['SIGINT', 2],
    ['SIGTERM', 15],
  ]) {
    process.once(signal, () => process.exit(128 + number));
  }
  const touch = setInterval(() => {
    fs.utimes(lock, new Date(), new Date(), () => {});
  }, lockTouchedMs);
  try {
    await work();
  } finally {
    clearInterval(touch);
    process.off('exit', release);
    release();
  }
}

function tryToLock() {
  try {
    return takeLock();
  } catch (error) {
    throw new PrepareError(
      `The lock of the installation cannot be taken: ${error.message}.\n` +
        `If no other installation is under way, delete ${lock} if there is one, see that this user may write to ${root}, and start again.`,
    );
  }
}

function takeLock() {
  try {
    fs.mkdirSync(lock);
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  if (lockAgeMs(lock) <= lockStaleMs) return false;
  // Of several who find it stale only one can move it away, and moves it back should it be a new one by then.
  const aside = `${lock}-${process.pid}`;
  try {
    fs.renameSync(lock, aside);
    if (lockAgeMs(aside) > lockStaleMs) fs.rmdirSync(aside);
    else fs.renameSync(aside, lock);
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
  return false;
}

/** 0 when it is gone. */
function lockAgeMs(path) {
  return Date.now() - (fs.statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
}

function sha256(content) {
  return createHash('sha256').update(content).digest('hex');
}
