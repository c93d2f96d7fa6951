// Builds the dashboard into dist/dashboard, where it is missing or of other sources. Silent and quick when there is
// nothing to do.
import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const built = join(root, 'dist', 'dashboard');
const sources = ['src/dashboard/**/*', 'schema/operations/generated.ts', 'package-lock.json'];

/** Where it says of which sources it was built. */
const marker = '.built-from';

if (import.meta.main) await buildDashboard();

/** Two that build at once do not meet: each builds aside, and puts it in place whole. */
export async function buildDashboard(): Promise<void> {
  const wanted = fingerprint();
  if (existsSync(join(built, marker)) && readFileSync(join(built, marker), 'utf8') === wanted) return;
  process.stderr.write('Building the dashboard into dist/dashboard\n');
  // It is only needed here, and takes a while to load.
  const { build } = await import('vite');
  const aside = `${built}-${process.pid}`;
  try {
    await build({
      configFile: join(root, 'src/dashboard/vite.config.ts'),
      build: { outDir: aside },
      logLevel: 'warn',
    });
    writeFileSync(join(aside, marker), wanted);
    putInPlace(aside);
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

/** Another may put its own in place between our two steps: then ours replaces that. */
function putInPlace(aside: string): void {
  for (let tries = 1; ; tries++) {
    rmSync(built, { recursive: true, force: true });
    try {
      renameSync(aside, built);
      return;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if ((code !== 'ENOTEMPTY' && code !== 'EEXIST') || tries === 10) throw error;
    }
  }
}

/** A hash of all that the page is made from. */
function fingerprint(): string {
  const hash = createHash('sha256');
  for (const file of globSync(sources, { cwd: root, withFileTypes: true })) {
    if (!file.isFile()) continue;
    const path = join(file.parentPath, file.name);
    hash
      .update(`${path.slice(root.length)}\0`)
      .update(readFileSync(path))
      .update('\0');
  }
  return `${hash.digest('hex')}\n`;
}
