import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/** An import, by the file in which it stands and what it names. */
type Import = readonly [file: string, specifier: string];

const wrong: readonly Import[] = [
  ['src/define/a.ts', '../config.ts'],
  ['src/define/b.ts', 'graphql'],
  ['src/define/c.ts', 'node:fs'],
  ['src/define/d.ts', '../valkey/index.ts'],
  ['src/measure/a.ts', '../define/index.ts'],
  ['src/measure/b.ts', 'prom-client'],
  ['src/tracing/a.ts', '../engine/index.ts'],
  ['src/server/d.ts', '../tracing/index.ts'],
  ['src/engine/g.ts', '../tracing/index.ts'],
  ['src/engine/f.ts', '../measure/histogram.ts'],
  ['src/valkey/a.ts', '../config.ts'],
  ['src/valkey/b.ts', '../define/index.ts'],
  ['src/valkey/embedded/a.ts', '../../engine/index.ts'],
  ['src/engine/a.ts', '../live/index.ts'],
  ['src/engine/b.ts', '../valkey/connect.ts'],
  ['src/engine/c.ts', '../../test/support/oracle.ts'],
  ['src/engine/d.ts', '../dashboard/index.ts'],
  ['src/live/a.ts', '../graphql/index.ts'],
  ['src/simulate/a.ts', '../engine/index.ts'],
  ['src/simulate/b.ts', '../api-process.ts'],
  ['src/simulate/send/a.ts', '../../valkey/index.ts'],
  ['src/server/b.ts', '../simulate/index.ts'],
  ['src/api-process.ts', './server/index.ts'],
  ['src/cli/demo/a.ts', '../../simulate/stream.ts'],
  ['bench/soak/a.ts', '../../src/simulate/random.ts'],
  ['src/graphql/a.ts', '../valkey/index.ts'],
  ['src/server/a.ts', '../../schema/index.ts'],
  ['src/cli/a.ts', '../main.ts'],
  ['src/cli/replay/a.ts', '../../engine/engine.ts'],
  ['src/cli/replay/b.ts', '../../config.ts'],
  ['src/dashboard/a.ts', '../engine/engine.ts'],
  ['src/dashboard/b.ts', '../engine/index.ts'],
  ['src/dashboard/pages/a.ts', '../../server/index.ts'],
  ['src/dashboard/pages/b.ts', '../../../schema/index.ts'],
  ['src/new.ts', '../schema/index.ts'],
  ['src/new-too.ts', './engine/index.ts'],
  ['src/config.ts', './server/index.ts'],
  ['src/signals.ts', './server/index.ts'],
  ['src/live/a.ts', '../signals.ts'],
  ['src/main.ts', './cli/replay.ts'],
  ['src/main.ts', './cluster/seat.ts'],
  ['src/cluster/a.ts', '../server/index.ts'],
  ['src/cluster/b.ts', '../config.ts'],
  ['src/server/c.ts', '../cluster/index.ts'],
  ['schema/a.ts', '../src/engine/index.ts'],
  ['schema/b.ts', '../src/define/view.ts'],
  ['schema/c.ts', '../test/support/api.ts'],
  ['schema/sub/a.ts', '../../src/engine/index.ts'],
  ['test/support/oracle.ts', '../../src/engine/index.ts'],
  ['bench/a.ts', '../src/engine/engine.ts'],
  ['bench/b.ts', '../test/support/oracle.ts'],
  ['bench/engine/a.ts', '../../src/graphql/index.ts'],
  ['bench/engine/b.ts', '../../src/engine/plan.ts'],
  ['src/engine/e.ts', '../../bench/subject.ts'],
  ['schema/d.ts', '../bench/subject.ts'],
];

const right: readonly Import[] = [
  ['src/define/z.ts', './view.ts'],
  ['src/valkey/z.ts', 'iovalkey'],
  ['src/valkey/embedded/z.ts', '../connect.ts'],
  ['src/engine/z.ts', '../define/index.ts'],
  ['src/engine/y.ts', '../measure/index.ts'],
  ['src/live/z.ts', '../engine/index.ts'],
  ['src/live/z.ts', '../measure/index.ts'],
  ['src/graphql/z.ts', '../measure/index.ts'],
  ['src/graphql/compiled/z.ts', '../../measure/index.ts'],
  ['src/server/z.ts', '../measure/index.ts'],
  ['src/tracing/z.ts', '../measure/index.ts'],
  ['src/main.ts', './tracing/index.ts'],
  ['src/graphql/z.ts', '../live/index.ts'],
  ['src/simulate/z.ts', '../define/index.ts'],
  ['src/simulate/send/z.ts', '../../define/index.ts'],
  ['src/simulate/send/z.ts', '../stream.ts'],
  ['src/server/z.ts', '../graphql/index.ts'],
  ['src/cli/y.ts', '../config.ts'],
  ['src/cli/z.ts', '../../schema/transaction.ts'],
  ['src/cli/replay/y.ts', '../../engine/index.ts'],
  ['src/cli/replay/z.ts', '../../../schema/index.ts'],
  ['src/dashboard/pages/z.ts', '../api/ask.ts'],
  ['src/dashboard/pages/z.ts', '../../../schema/operations/generated.ts'],
  ['schema/z.ts', '../src/graphql/index.ts'],
  ['schema/sub/z.ts', '../../src/define/index.ts'],
  ['src/config.ts', './valkey/index.ts'],
  ['src/main.ts', './config.ts'],
  ['src/server/a.ts', '../signals.ts'],
  ['src/cli/a/b.ts', '../../signals.ts'],
  ['src/cli/demo/y.ts', '../../api-process.ts'],
  ['src/cli/demo/z.ts', '../../simulate/index.ts'],
  ['src/main.ts', './server/index.ts'],
  ['src/main.ts', './cluster/index.ts'],
  ['src/cluster/z.ts', '../signals.ts'],
  ['src/main.ts', '../schema/index.ts'],
  ['codegen.ts', './schema/index.ts'],
  ['test/support/oracle.ts', '../../src/define/index.ts'],
  ['test/engine/z.ts', '../../src/engine/keys.ts'],
  ['bench/z.ts', '../src/signals.ts'],
  ['bench/soak/y.ts', '../../src/api-process.ts'],
  ['bench/soak/z.ts', '../../src/simulate/index.ts'],
  ['bench/z.ts', '../schema/user.ts'],
  ['bench/engine/z.ts', '../../src/valkey/index.ts'],
  ['bench/engine/z.ts', '../report/table.ts'],
  ['bench/engine/z.ts', 'iovalkey'],
  ['test/bench/z.ts', '../../bench/report/table.ts'],
];

const repository = fileURLToPath(new URL('..', import.meta.url));

/** Those of the imports that Biome forbids by the rules of this repository, asked once for all of them. */
function forbidden(imports: readonly Import[]): Import[] {
  const checkout = mkdtempSync(join(tmpdir(), 'freshet-imports-'));
  try {
    for (const file of ['biome.json', 'biome.imports.json', '.gitignore']) {
      copyFileSync(join(repository, file), join(checkout, file));
    }
    symlinkSync(join(repository, 'node_modules'), join(checkout, 'node_modules'));
    const specifiers = Map.groupBy(imports, ([file]) => file);
    for (const [file, inFile] of specifiers) {
      mkdirSync(dirname(join(checkout, file)), { recursive: true });
      writeFileSync(join(checkout, file), inFile.map(([, specifier]) => `import '${specifier}';\n`).join(''));
    }
    const options = ['--only=style/noRestrictedImports', '--max-diagnostics=none', '--reporter=json', '.'];
    const biome = join(repository, 'node_modules/.bin/biome');
    const { stdout } = spawnSync(biome, ['lint', ...options], { cwd: checkout, encoding: 'utf8' });
    const { diagnostics } = JSON.parse(stdout) as { diagnostics: readonly Diagnostic[] };
    return diagnostics.map(({ location: { path, start } }) => specifiers.get(path)?.[start.line - 1] ?? [path, '']);
  } finally {
    rmSync(checkout, { recursive: true });
  }
}

interface Diagnostic {
  readonly location: { readonly path: string; readonly start: { readonly line: number } };
}

test('the check fails on each import that goes the wrong way, and on no other', () => {
  const found = forbidden([...wrong, ...right]).map((one) => one.join(' imports '));
  expect(found.sort()).toEqual(wrong.map((one) => one.join(' imports ')).sort());
});
