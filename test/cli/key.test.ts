import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Authenticator } from '../../src/access/index.ts';

const command = fileURLToPath(new URL('../../src/cli/key.ts', import.meta.url));

function run(...args: string[]) {
  return spawnSync(process.execPath, [command, ...args], { encoding: 'utf8' });
}

describe('the command that makes a key', () => {
  it('prints it once, and an entry by which it is known', async () => {
    const { status, stdout } = run(
      '--expires',
      '2099-01-31T00:00:00Z',
      'scoring',
      'features:read:User',
      'events:write',
    );
    expect(status).toBe(0);
    const [secret = ''] = /fsk_[\w-]{43}/.exec(stdout) ?? [];
    const entry = stdout.slice(stdout.lastIndexOf('\n  {'));
    expect(JSON.parse(entry)).toEqual({
      name: 'scoring',
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      scopes: ['features:read:User', 'events:write'],
      expiresAt: '2099-01-31T00:00:00Z',
    });
    expect(entry).not.toContain('fsk_');
    const access = new Authenticator({ keys: { text: `{"keys":[${entry}]}` }, issuer: null, report: () => {} });
    expect((await access.identify(`Bearer ${secret}`)).name).toBe('scoring');
  });

  it.each([
    [[], /^npm run key/],
    [['scoring'], /^npm run key/],
    [['scoring', 'read'], /^key "scoring": expected one of features:read/],
    [['scoring', 'admin', '--expires', 'tomorrow'], /^key "scoring": expiresAt must be/],
    [['scoring', 'admin', '--forever'], /Unknown option '--forever'/],
  ])('called with %j says what is expected', (args, why) => {
    const { status, stdout, stderr } = run(...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(why);
    expect(stderr).toContain('npm run key -- [--expires MOMENT] NAME SCOPE...');
  });
});
