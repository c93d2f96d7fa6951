export type { HubOptions } from './hub.ts';
export { Hub } from './hub.ts';
export { LiveCounts } from './live-counts.ts';
export type { Collector } from './mailbox.ts';
export type { Update, UpdateCause } from './update.ts';
export { updateCauses } from './update.ts';
export type { Watch, WatchOptions } from './watcher.ts';
