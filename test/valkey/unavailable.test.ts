import { describe, expect, it } from 'vitest';
import { isRefusal, unavailableReason } from '../../src/valkey/index.ts';

describe('a failure', () => {
  it.each([
    'LOADING Valkey is loading the dataset in memory',
    "READONLY You can't write against a read only replica.",
    "OOM command not allowed when used memory > 'maxmemory'.",
    'MISCONF Valkey is configured to save RDB snapshots, but it is currently unable to persist to disk.',
    'NOREPLICAS Not enough good replicas to write.',
    'MASTERDOWN Link with MASTER is down',
    'CLUSTERDOWN The cluster is down',
    'NOAUTH Authentication required.',
    'WRONGPASS invalid username-password pair or user is disabled.',
    'ERR max number of clients reached',
    'Command timed out',
    'Connection is closed.',
    'Command aborted due to connection close',
    'connect ECONNREFUSED 127.0.0.1:1',
    'connect ETIMEDOUT',
    "Stream isn't writeable and enableOfflineQueue options is false",
    'Reached the max retries per request limit (which is 1). Refer to "maxRetriesPerRequest" option for details.',
    "Socket timeout. Expecting data, but didn't receive any in 6000ms.",
  ])('with which Valkey is away or will not serve has a reason: %s', (message) => {
    expect(unavailableReason(new Error(message))).toMatch(/Valkey/);
  });

  it('may say so by its code alone', () => {
    expect(unavailableReason(Object.assign(new Error(''), { code: 'ECONNREFUSED' }))).toBe(
      'Valkey refuses connections',
    );
  });

  it.each(['WRONGTYPE Operation against a key holding the wrong kind of value', 'ERR syntax error', 'x is undefined'])(
    'of another kind has none: %s',
    (message) => {
      expect(unavailableReason(new Error(message))).toBeNull();
    },
  );

  it('is a refusal when Valkey does not take who we are', () => {
    expect(isRefusal(new Error('WRONGPASS invalid username-password pair'))).toBe(true);
    expect(isRefusal(new Error('LOADING'))).toBe(false);
  });
});
