import { describe, expect, test } from 'vitest';
import type { ApiClient } from '../support/api.ts';
import { Edition } from '../support/edition.ts';
import { pay, profile, secondAlone, secondIsFed, secondIsServed, shared } from './editions.ts';

/** Each test starts several processes, which on a loaded machine takes its time. */
const patienceMs = 120_000; // 2 minutes

/** `txnCount1h` means two hours in the second version, of which the id says so. */
async function counted(api: ApiClient, userId: string) {
  const { profile: shown } = await profile(api, userId, 'txnCount1h');
  return [shown?.id, shown?.txnCount1h];
}

describe('two versions of a view, in processes beside each other', { timeout: patienceMs }, () => {
  test('are both served, by what each process is told to serve, and what is recorded at either is in both', async () => {
    const settings = shared();
    const first = await new Edition(...secondIsFed).start(settings).listening();
    const second = await new Edition(...secondIsServed).start(settings).listening();
    await pay(first, 'u');
    await pay(second, 'u');
    expect(await counted(first, 'u')).toEqual(['user_risk_profile:v1:u', 2]);
    expect(await counted(second, 'u')).toEqual(['user_risk_profile:v2:u', 2]);
    for (const api of [first, second]) {
      expect(await api.get('/readyz')).toMatchObject({ status: 200, body: { warnings: [] } });
    }
  });

  test('have their schema printed, and their definitions committed, as any other', async () => {
    for (const edition of [new Edition(...secondIsFed), new Edition(...secondIsServed)]) {
      expect(await edition.run('print-schema', [])).toMatchObject({ status: 0, stderr: '' });
      expect(await edition.run('print-schema', ['--check'])).toMatchObject({ status: 0, stderr: '' });
    }
  });

  test('go on from one to the other and back, and lose nothing', async () => {
    const settings = shared();
    const [fed, served] = [new Edition(...secondIsFed), new Edition(...secondIsServed)];
    const one = fed.start(settings);
    await pay(await one.listening(), 'u');
    await one.stop();
    const two = served.start(settings);
    await pay(await two.listening(), 'u');
    expect(await counted(await two.listening(), 'u')).toEqual(['user_risk_profile:v2:u', 2]);
    await two.stop();
    const three = await fed.start(settings).listening();
    await pay(three, 'u');
    expect(await counted(three, 'u')).toEqual(['user_risk_profile:v1:u', 3]);
  });

  test('stand beside each other also where each process knows one: each says on /readyz who does not feed its own', async () => {
    const settings = shared();
    const older = new Edition().start(settings);
    const first = await older.listening();
    const second = await new Edition(...secondAlone).start(settings).listening();
    await pay(first, 'u');
    await pay(second, 'u');
    expect(await counted(first, 'u')).toEqual(['user_risk_profile:v1:u', 1]);
    expect(await counted(second, 'u')).toEqual(['user_risk_profile:v2:u', 1]);
    expect(await second.get('/readyz')).toMatchObject({
      status: 200,
      body: {
        warnings: [
          expect.stringMatching(
            new RegExp(
              `^process ${older.child.pid} on \\S+, which runs under the same key prefix, does not feed user_risk_profile v2: `,
            ),
          ),
        ],
      },
    });
  });
});
