import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { dashboard } from './dashboard.ts';
import { rows } from './panels.ts';

/** Writes freshet.json, or with `--check` says whether it is as it would be written. */
const path = fileURLToPath(new URL('freshet.json', import.meta.url));
const text = `${JSON.stringify(dashboard(rows), null, 2)}\n`;

if (!process.argv.includes('--check')) writeFileSync(path, text);
else if (readFileSync(path, 'utf8') !== text) {
  process.stderr.write('ops/grafana/freshet.json is not what panels.ts says: run `npm run codegen`\n');
  process.exitCode = 1;
}
