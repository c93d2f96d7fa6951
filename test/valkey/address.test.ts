import { describe, expect, it } from 'vitest';
import { describeAddress, parseValkeyUrl } from '../../src/valkey/index.ts';

const plain = { host: 'store', port: 6379, tls: false, username: null, password: null, db: 0 };

describe('a Valkey URL', () => {
  it.each([
    ['valkey://store', plain],
    ['redis://store', plain],
    ['VALKEY://store', plain],
    ['valkey://store:7000/3', { ...plain, port: 7000, db: 3 }],
    ['valkey://store:80', { ...plain, port: 80 }],
    ['valkeys://store:443', { ...plain, port: 443, tls: true }],
    ['rediss://store', { ...plain, tls: true }],
    ['valkey://:secret@store', { ...plain, password: 'secret' }],
    ['valkey://me:p%40ss%2Fw%3A1@store:7000/', { ...plain, port: 7000, username: 'me', password: 'p@ss/w:1' }],
    ['valkey://[::1]:7000', { ...plain, host: '::1', port: 7000 }],
  ])('%s is read', (url, address) => {
    expect(parseValkeyUrl(url)).toEqual(address);
  });

  it.each([
    ['store:6379', /expected valkey:\/\//],
    ['http://store', /expected valkey:\/\//],
    ['valkey:store', /expected valkey:\/\//],
    ['valkey://', /expected a host/],
    ['valkey://store:99999', /expected a host/],
    ['valkey://store/users', /database number/],
    ['valkey://store/0?tls=1', /no options/],
    ['valkey+cluster://a,b,c', /valkey\+cluster:\/\/ is not served yet/],
    ['valkey+sentinel://a,b/name', /valkey\+sentinel:\/\/ is not served yet/],
  ])('%s is refused', (url, message) => {
    expect(() => parseValkeyUrl(url)).toThrow(message);
  });

  it('is shown without user and password', () => {
    expect(describeAddress(parseValkeyUrl('valkeys://me:secret@store/1'))).toBe('valkeys://store:6379/1');
    expect(describeAddress(parseValkeyUrl('valkey://[::1]'))).toBe('valkey://[::1]:6379/0');
  });
});
