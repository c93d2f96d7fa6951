import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, connectSubscriber, KeyspaceEvents } from '../../src/valkey/index.ts';
import { singleAddress } from '../support/single-address.ts';
import { ThrowawayValkey } from '../support/throwaway-valkey.ts';

let server: ThrowawayValkey;

beforeAll(async () => {
  server = await ThrowawayValkey.create();
  await server.start();
});

afterAll(() => server?.destroy());

describe('the canary of keyspace events', () => {
  it('never stands without a TTL: if that cannot be set, nothing is', async () => {
    const valkey = connect(singleAddress(server.url));
    await valkey.call('ACL', ['SETUSER', 'hasty', 'on', '>secret', '~*', '&*', '+@all', '-pexpire']);
    const address = singleAddress(server.url.replace('//', '//hasty:secret@'));
    const hasty = connect(address);
    await expect(
      KeyspaceEvents.open({
        valkey: hasty,
        subscriber: connectSubscriber(address),
        keyPrefix: 'canary',
        patienceMs: 200,
      }),
    ).rejects.toThrow(/NOPERM/);
    expect(await valkey.keys('canary:*')).toEqual([]);
    hasty.disconnect();
    valkey.disconnect();
  });
});
