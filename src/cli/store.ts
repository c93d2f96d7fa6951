import type { Config } from '../config.ts';
import { UnavailableError } from '../engine/index.ts';
import {
  describeAddress,
  findEmbeddedValkey,
  openServers,
  parseValkeyUrl,
  type Servers,
  unavailableReason,
  type ValkeyAddress,
} from '../valkey/index.ts';

const adviceForStart =
  'Start it with npm start, or name the Valkey to look into with VALKEY_URL, or the data directory with FRESHET_DATA_DIR.';
const adviceForAddress = 'See that this Valkey runs, or name the one to look into with VALKEY_URL.';

/**
 * Does some work on the Valkey at VALKEY_URL, or, where that is unset, on the one that a running npm start keeps.
 * @throws Error that says what to do where there is none; else what the work throws
 */
export async function withStore<T>(
  config: Config,
  work: (servers: Servers, address: ValkeyAddress) => Promise<T>,
): Promise<T> {
  const address = config.valkey ?? (await embeddedAddress(config.dataDir));
  const servers = openServers(address);
  try {
    await servers.ready();
    return await work(servers, address);
  } catch (error) {
    const reason = error instanceof UnavailableError ? error.message : unavailableReason(error);
    if (reason === null) throw error;
    throw new Error(`${describeAddress(address)}: ${reason}. ${adviceForAddress}`, { cause: error });
  } finally {
    servers.close();
  }
}

async function embeddedAddress(dataDir: string): Promise<ValkeyAddress> {
  try {
    return parseValkeyUrl(await findEmbeddedValkey(dataDir));
  } catch (error) {
    throw new Error(`${(error as Error).message} ${adviceForStart}`, { cause: error });
  }
}
