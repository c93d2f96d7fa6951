export type { Admits, Ahead, CompiledOperation, Ran } from './compile-operation.ts';
export { type HotCounts, HotOperations } from './hot-operations.ts';
