import { describe, expect, it } from 'vitest';
import { describeAddress, parseValkeyUrl } from '../../src/valkey/index.ts';

const plain = { kind: 'single', host: 'store', port: 6379, tls: false, username: null, password: null, db: 0 };

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

  it('of a cluster names some of its nodes', () => {
    const access = { tls: false, username: null, password: null };
    expect(parseValkeyUrl('valkey+cluster://a,b:7000,[::1]:7001')).toEqual({
      kind: 'cluster',
      ...access,
      seeds: [
        { host: 'a', port: 6379 },
        { host: 'b', port: 7000 },
        { host: '::1', port: 7001 },
      ],
    });
    const secret = parseValkeyUrl('rediss+cluster://me:p%40ss@a/');
    expect(secret).toMatchObject({ tls: true, username: 'me', password: 'p@ss', seeds: [{ host: 'a', port: 6379 }] });
    expect(describeAddress(secret)).toBe('valkeys+cluster://a:6379');
  });

  it('of sentinels names them, and the primary', () => {
    const address = parseValkeyUrl(
      'valkey+sentinel://:secret@a,b:7000/main/2?sentinelUser=watch&sentinelPassword=p%26q',
    );
    expect(address).toEqual({
      kind: 'sentinel',
      tls: false,
      username: null,
      password: 'secret',
      sentinels: [
        { host: 'a', port: 26_379 },
        { host: 'b', port: 7_000 },
      ],
      name: 'main',
      db: 2,
      sentinelUsername: 'watch',
      sentinelPassword: 'p&q',
    });
    expect(describeAddress(address)).toBe('valkey+sentinel://a:26379,b:7000/main/2');
  });

  it.each([
    ['store:6379', /expected valkey:\/\//],
    ['http://store', /expected valkey:\/\//],
    ['valkey:store', /expected valkey:\/\//],
    ['valkey://', /expected a host/],
    ['valkey://store:99999', /expected a host/],
    ['valkey://store/users', /database number/],
    ['valkey://store/0?tls=1', /no options/],
    ['valkey+cluster://a,,b', /expected a host/],
    ['valkey+cluster://a,b/1', /one database/],
    ['valkey+sentinel://a,b', /name of the primary/],
    ['valkey+sentinel://a/main/x', /database number/],
    ['valkey+sentinel://a/main?password=x', /no option password/],
  ])('%s is refused', (url, message) => {
    expect(() => parseValkeyUrl(url)).toThrow(message);
  });

  it.each(['valkey://app:12/geheim@db:6379/0', 'valkey://app:/geheim@db', 'valkey+sentinel://:/geheim@a/main/x'])(
    '%s is refused without a word of its password',
    (url) => {
      expect(() => parseValkeyUrl(url)).toThrow(/^(?!.*geheim)/s);
    },
  );

  it('has a password of the sentinels as it has its own', () => {
    const address = parseValkeyUrl('valkey+sentinel://:a+b%25@a/main?sentinelPassword=a+b%25&sentinelUser=me');
    expect(address).toMatchObject({ password: 'a+b%', sentinelPassword: 'a+b%', sentinelUsername: 'me' });
    expect(() => parseValkeyUrl('valkey+sentinel://a/main?sentinelPassword=50%')).toThrow();
  });

  it('is shown without user and password', () => {
    expect(describeAddress(parseValkeyUrl('valkeys://me:secret@store/1'))).toBe('valkeys://store:6379/1');
    expect(describeAddress(parseValkeyUrl('valkey://[::1]'))).toBe('valkey://[::1]:6379/0');
  });
});
