import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const compiler = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url));
const folder = fileURLToPath(new URL('.', import.meta.url));

/** What the compiler says of the *.types.ts beside this file; nothing is good. */
async function complaints(): Promise<string> {
  const run = promisify(execFile)(process.execPath, [compiler, '--project', folder, '--pretty', 'false']);
  return run.then(
    ({ stdout }) => stdout,
    (error: { stdout?: string; message: string }) => error.stdout || error.message,
  );
}

test('definitions compile when they are right, and do not when they are wrong', async () => {
  expect(await complaints()).toBe('');
});
