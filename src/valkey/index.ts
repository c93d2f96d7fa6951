export type { ConnectionLimits, ValkeyAddress } from './connect.ts';
export { connect, connectSubscriber, describeAddress, parseValkeyUrl } from './connect.ts';
export type { EmbeddedValkey } from './embedded/server.ts';
export { endedError, startEmbeddedValkey } from './embedded/server.ts';
export type { FunctionCall } from './functions.ts';
export { FunctionCaller } from './functions.ts';
export type { KeyspaceListener } from './keyspace-events.ts';
export { KeyspaceEvents, KeyspaceEventsError } from './keyspace-events.ts';
export { isRefusal, unavailableReason } from './unavailable.ts';
