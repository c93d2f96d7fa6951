import cluster from 'node:cluster';

/** Whether this process is a worker that a primary has forked. */
export const isWorker = cluster.isWorker;

export { Primary, WorkerFailedError } from './primary.ts';
export { ThisWorker } from './this-worker.ts';
