import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('.', import.meta.url));
const lockFile = `${folder}package-lock.json`;
const modules = `${folder}node_modules`;
const marker = `${modules}/.freshet-installed`;

/** The peers could not be installed. */
export class PeersMissingError extends Error {
  override readonly name = 'PeersMissingError';
}

/**
 * Installs the peers of bench/package-lock.json into bench/node_modules, where they are missing or others.
 * @throws PeersMissingError
 */
export async function installPeers(): Promise<void> {
  const wanted = createHash('sha256').update(readFileSync(lockFile)).digest('hex');
  if (existsSync(marker) && readFileSync(marker, 'utf8') === wanted) return;
  process.stderr.write('Installing the peers of bench/package-lock.json into bench/node_modules\n');
  const words = await npmCi();
  if (words !== null) {
    throw new PeersMissingError(
      `${words}\nThe peers that are measured could not be installed; what npm says is above. They come from npm's registry: if this\n` +
        'machine cannot reach it, name one that it can by `npm config set registry URL`, or a proxy by `npm config set https-proxy\n' +
        'URL`, and start again. The other benches need none: `npm run bench -- --help` lists them.',
    );
  }
  writeFileSync(marker, wanted);
}

/** What npm said if it failed, or null. */
async function npmCi(): Promise<string | null> {
  const npm = spawn('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  let words = '';
  for (const stream of [npm.stdout, npm.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      words += text;
    });
  }
  try {
    const [status] = await once(npm, 'close');
    return status === 0 ? null : words.trim();
  } catch (error) {
    return String(error);
  }
}
