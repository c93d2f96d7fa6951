export type { StartedTracing, TracingOptions } from './start.ts';
export { startTracing } from './start.ts';
