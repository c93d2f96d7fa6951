import { AccessConfigError, type KeyEntry, newKey, parseKeyList } from '../access/index.ts';
import { readArguments } from './arguments.ts';
import { UsageError } from './usage-error.ts';

const usage = `npm run key -- [--expires MOMENT] NAME SCOPE...

Makes an API key of 256 random bits, and prints it, this once, with its entry for the file that FRESHET_API_KEYS_FILE
names, or for FRESHET_API_KEYS. In the entry there is but a hash: the key cannot be told from it.

  NAME       who has the key, for logs
  SCOPE      features:read, events:write or admin; the first two may be narrowed to an entity (features:read:User), a
             view (features:read:user_risk_profile) or ids of either (features:read:User:acme-*)
  --expires  until when it holds, such as 2027-01-31T00:00:00Z
  --help     print this

Exit status: 0; 2 if it was not called as above.
`;

function main(): void {
  const { values, positionals } = readArguments(
    {
      allowPositionals: true,
      options: { expires: { type: 'string' }, help: { type: 'boolean', default: false } },
    },
    usage,
  );
  if (values.help) {
    process.stdout.write(usage);
    return;
  }
  const [name, ...scopes] = positionals;
  if (name === undefined || scopes.length === 0) throw new UsageError(usage);
  const { secret, entry } = newKey(name, scopes);
  const whole: KeyEntry = values.expires === undefined ? entry : { ...entry, expiresAt: values.expires };
  checkEntry(whole);
  process.stdout.write(`The key, which is told this once:\n\n  ${secret}\n\nIts entry in {"keys": [...]}:\n\n`);
  process.stdout.write(`${JSON.stringify(whole, null, 2).replace(/^/gm, '  ')}\n`);
}

function checkEntry(entry: KeyEntry): void {
  try {
    parseKeyList(JSON.stringify({ keys: [entry] }), 'the key');
  } catch (error) {
    throw error instanceof AccessConfigError ? new UsageError(`${error.problems.join('\n')}\n\n${usage}`) : error;
  }
}

try {
  main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
