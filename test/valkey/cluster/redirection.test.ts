import { expect, it } from 'vitest';
import { isMoved, isPassing } from '../../../src/valkey/cluster/redirection.ts';
import { UnconfirmedError } from '../../../src/valkey/index.ts';

it.each([
  'MOVED 866 127.0.0.1:30002',
  'ASK 866 127.0.0.1:30002',
  'TRYAGAIN Multiple keys request during rehashing of slot',
  'CLUSTERDOWN Hash slot not served',
  'READONLY You can’t write against a read only replica.',
  'MASTERDOWN Link with MASTER is down',
  'ERR Script attempted to access a non local key in a cluster node',
  'connect ECONNREFUSED 127.0.0.1:30001',
  'Connection is closed.',
])('a cluster may answer in a moment after: %s', (message) => {
  expect(isPassing(new Error(message))).toBe(true);
});

it.each([
  // Who has waited for an answer or an acknowledgement has waited as long as anyone may.
  new Error('Command timed out'),
  new Error('Socket timeout. Expecting data, but did not receive any in 6000ms.'),
  new UnconfirmedError('0 of 1 replicas have confirmed it in time'),
  // What will not pass by itself.
  new Error('OOM command not allowed when used memory > maxmemory'),
  new Error('MISCONF Valkey is configured to save RDB snapshots'),
  new Error('WRONGTYPE Operation against a key holding the wrong kind of value'),
  new Error('ERR unknown command'),
])('nothing is asked again after: %s', (error) => {
  expect(isPassing(error)).toBe(false);
});

it('the owner is another where a node says so, or takes no writes any more', () => {
  const moved = ['MOVED 1 a:1', 'READONLY You', 'ASK 1 a:1', 'TRYAGAIN'].map((message) => isMoved(new Error(message)));
  expect(moved).toEqual([true, true, false, false]);
});
