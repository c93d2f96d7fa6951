import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { ClientAddresses } from '../../../src/server/guard/client-addresses.ts';

const from = (remoteAddress: string | undefined) => ({ remoteAddress }) as Socket;

describe('a client is', () => {
  const addresses = new ClientAddresses();

  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['::ffff:cb00:7107', '203.0.113.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:1:2::1', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['1::3:4:5:6:7:8', '1:0:3:4::/64'],
    ['64:ff9b::203.0.113.7', '64:ff9b:0:0::/64'],
    ['1:2:3:4:5:6:203.0.113.7', '1:2:3:4::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    [undefined, 'unknown'],
  ])('of %s named %s', (address, name) => {
    expect(addresses.of(from(address), undefined)).toBe(name);
  });

  it('whoever is at the other end, whatever it says of others', () => {
    expect(addresses.of(from('203.0.113.7'), '198.51.100.1')).toBe('203.0.113.7');
    expect(addresses.isProxy(from('203.0.113.7'))).toBe(false);
    expect(addresses.of(from(undefined), '198.51.100.1')).toBe('unknown');
  });
});

describe('behind proxies that are trusted, a client is', () => {
  const addresses = new ClientAddresses(['10.0.0.0/8', '192.0.2.1', '2001:db8:ffff::/48']);

  it.each([
    ['10.1.2.3', '198.51.100.1', '198.51.100.1'],
    ['::ffff:10.1.2.3', '198.51.100.1', '198.51.100.1'],
    ['2001:db8:ffff::5', '2001:db8:1:2::9', '2001:db8:1:2::/64'],
    // Only the last that is none of ours is known to be true: what stands before it, it may have said itself.
    ['10.1.2.3', '1.1.1.1, 198.51.100.1', '198.51.100.1'],
    ['10.1.2.3', '198.51.100.1, 192.0.2.1, 10.9.9.9', '198.51.100.1'],
    ['10.1.2.3', '198.51.100.1,  10.9.9.9:4711 ', '198.51.100.1'],
    ['10.1.2.3', '[2001:db8:1:2::9]:443', '2001:db8:1:2::/64'],
    // All are ours: the first of them.
    ['10.1.2.3', '10.0.0.1, 10.0.0.2', '10.0.0.1'],
    // What is no address is nobody's: it is the proxy's own.
    ['10.1.2.3', 'nonsense', '10.1.2.3'],
    ['10.1.2.3', '198.51.100.1, unknown', '10.1.2.3'],
    ['10.1.2.3', '', '10.1.2.3'],
    ['10.1.2.3', '198.51.100.1; DROP, 10.0.0.2', '10.0.0.2'],
  ])('by %s for %s: %s', (peer, forwardedFor, name) => {
    expect(addresses.of(from(peer), forwardedFor)).toBe(name);
  });

  it.each(['203.0.113.7', '11.0.0.1', '192.0.2.2', '2001:db8:fffe::5'])('still %s itself', (peer) => {
    expect(addresses.of(from(peer), '198.51.100.1')).not.toBe('198.51.100.1');
    expect(addresses.isProxy(from(peer))).toBe(false);
  });
});

it('another worker says for whom it asks', () => {
  for (const addresses of [new ClientAddresses(), new ClientAddresses(['10.0.0.0/8'])]) {
    const socket = from(undefined);
    addresses.addWorker(socket);
    expect(addresses.isProxy(socket)).toBe(true);
    expect(addresses.of(socket, '1.1.1.1, 198.51.100.1')).toBe('198.51.100.1');
  }
  const behind = new ClientAddresses(['10.0.0.0/8']);
  const socket = from(undefined);
  behind.addWorker(socket);
  expect(behind.of(socket, '198.51.100.1, 10.1.2.3')).toBe('198.51.100.1');
});
