import type { SingleAddress } from '../../src/valkey/address.ts';
import { parseValkeyUrl } from '../../src/valkey/index.ts';

/** The address of one server. @throws Error if the URL is of several. */
export function singleAddress(url: string): SingleAddress {
  const address = parseValkeyUrl(url);
  if (address.kind !== 'single') throw new Error(`${url} is not the address of one server`);
  return address;
}
