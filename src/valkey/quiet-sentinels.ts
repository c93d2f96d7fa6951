import { type Redis, SentinelConnector } from 'iovalkey';

/** How iovalkey makes its connections to sentinels; it has no public name. */
interface Connecting {
  connectToSentinel?: (...args: unknown[]) => Redis;
}

/**
 * Finds the primary as iovalkey does. Its connections on which sentinels tell of a failover have no listener for errors, so each that is
 * lost would be printed: that sentinels are away is for whoever needs one to say.
 */
export class QuietSentinels extends SentinelConnector {
  constructor(options: ConstructorParameters<typeof SentinelConnector>[0]) {
    super(options);
    const own = this as unknown as Connecting;
    const connect = own.connectToSentinel;
    if (connect) own.connectToSentinel = (...args) => connect.apply(this, args).on('error', () => {});
  }
}
