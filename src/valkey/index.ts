export type { FunctionCall } from './functions.ts';
export { FunctionCaller } from './functions.ts';
export { unavailableReason } from './unavailable.ts';
